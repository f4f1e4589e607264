//go:build linux

package source

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

func TestUPower(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := bus.Template(t, "upower", upowerName, upowerPath, "")
	battery := func(state uint32, percentage float64, present bool) {
		mock.Call(t, "SetupDisplayDevice", uint32(2), state, percentage, 50.0, 60.0, 1.0, int64(0), int64(0), present, "", uint32(1))
	}
	r, _ := start(t, one("UPower", powerFacts, newUPower(bus.Address)))
	r.fact(t, task.FactOnAC, task.Yes)
	r.fact(t, task.FactBattery, task.None)
	r.fact(t, task.FactPower, task.None)
	r.fact(t, task.FactWorkCost, task.Low)

	battery(2, 80.6, true)
	mock.Set(t, upowerPath, upowerName, map[string]any{"OnBattery": true})
	r.fact(t, task.FactOnAC, task.No)
	r.fact(t, task.FactBattery, "81%")
	r.fact(t, task.FactPower, Discharging)
	r.fact(t, task.FactWorkCost, task.Unknown) // no source reports the user's presence
	battery(1, 82, true)
	r.fact(t, task.FactPower, Charging)
	battery(4, 100, true)
	r.fact(t, task.FactPower, Idle)
	battery(0, 0, true)
	r.fact(t, task.FactPower, task.Unknown)
}

func TestPowerProfiles(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := bus.Template(t, "power_profiles_daemon", "net.hadess.PowerProfiles", "/net/hadess/PowerProfiles", "")
	r, _ := start(t, Chain{{Name: "new", Source: newPowerProfiles(bus.Address)}, {Name: "old", Source: newOldPowerProfiles(bus.Address)}})
	r.state(t, "new", task.SourceNotHere)
	r.fact(t, task.FactEnergySaver, task.No)
	mock.Set(t, "/net/hadess/PowerProfiles", "net.hadess.PowerProfiles", map[string]any{"ActiveProfile": "power-saver"})
	r.fact(t, task.FactEnergySaver, task.Yes)
}

func TestPortal(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := bus.Object(t, portalName, portalPath, portalProfile, map[string]any{"power-saver-enabled": false})
	r, _ := start(t, one("portal", saverFacts, newPortal(bus.Address)))
	r.fact(t, task.FactEnergySaver, task.No)
	mock.Set(t, portalPath, portalProfile, map[string]any{"power-saver-enabled": true})
	r.fact(t, task.FactEnergySaver, task.Yes)
}

func TestPowerSupply(t *testing.T) {
	type dir map[string]string
	ac := func(online string) dir { return dir{"type": "Mains", "online": online} }
	bat := func(status, now string) dir {
		return dir{"type": "Battery", "scope": "System", "status": status, "energy_now": now, "energy_full": "50", "capacity": "1"}
	}
	mouse := dir{"type": "Battery", "scope": "Device", "status": "Discharging", "capacity": "5"}
	for name, c := range map[string]struct {
		supplies             map[string]dir
		onAC, battery, power task.Value
	}{
		"a server":          {nil, "yes", "none", "none"},
		"a desktop":         {map[string]dir{"hidpp": mouse}, "yes", "none", "none"},
		"plugged in":        {map[string]dir{"AC": ac("1"), "BAT0": bat("Charging", "25")}, "yes", "50%", "charging"},
		"full":              {map[string]dir{"AC": ac("1"), "BAT0": bat("Full", "50")}, "yes", "100%", "idle"},
		"on battery":        {map[string]dir{"AC": ac("0"), "BAT0": bat("Discharging", "10"), "m": mouse}, "no", "20%", "discharging"},
		"two batteries":     {map[string]dir{"AC": ac("0"), "BAT0": bat("Discharging", "10"), "BAT1": bat("Unknown", "50")}, "no", "60%", "discharging"},
		"no plug reported":  {map[string]dir{"BAT0": bat("Discharging", "10")}, "no", "20%", "discharging"},
		"battery taken out": {map[string]dir{"AC": ac("1"), "BAT0": {"type": "Battery", "present": "0"}}, "yes", "none", "none"},
		"capacity only":     {map[string]dir{"BAT0": {"type": "Battery", "status": "Not charging", "capacity": "77"}}, "yes", "77%", "idle"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for d, files := range c.supplies {
				path := filepath.Join(root, "sys/class/power_supply", d)
				if err := os.MkdirAll(path, 0o755); err != nil {
					t.Fatal(err)
				}
				for f, text := range files {
					if err := os.WriteFile(filepath.Join(path, f), []byte(text+"\n"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			var got []task.Value
			for _, f := range supplyFacts(powerSupply{root}.read()) {
				got = append(got, f.Value)
			}
			if diff := cmp.Diff([]task.Value{c.onAC, c.battery, c.power}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The source is up whether or not this machine has the class.
func TestPowerSupplyHere(t *testing.T) {
	r, _ := start(t, one("power_supply", powerFacts, powerSupply{root: "/"}))
	r.state(t, "power_supply", task.SourceUp)
	r.until(t, "on-ac", func() bool { return r.facts[task.FactOnAC].Value.Known() })
}
