package source

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bgtask/bgtask/task"
)

// chargeEvery is how often the charge is read while a battery is in use. The
// kernel reports when the plug changes, but not every percent.
const chargeEvery = 2 * time.Minute

// powerSupply reads /sys/class/power_supply. It is always available: a machine
// without batteries is on AC.
type powerSupply struct{ root string }

// Watch implements Source.
func (s powerSupply) Watch(ctx context.Context, report func(...task.Fact)) error {
	events, err := openUevents(s.root)
	if err != nil {
		return err
	}
	h, ended := newHints(), make(chan error, 1)
	var reader sync.WaitGroup
	reader.Go(func() { ended <- hintAt(events, "power_supply", h) })
	defer reader.Wait()
	defer events.close()
	return follow(ctx, h, ended, func(context.Context) (time.Duration, error) {
		facts := supplyFacts(s.read())
		report(facts...)
		if facts[1].Value == task.None || facts[0].Value == task.Yes && facts[2].Value != Charging {
			return 0, nil
		}
		return chargeEvery, nil
	})
}

// hintAt gives a hint for each event of a subsystem, and when events were lost.
func hintAt(events *uevents, subsystem string, h hints) error {
	for {
		e, err := events.read()
		if err != nil && !errors.Is(err, errUeventsLost) {
			return err
		}
		if err != nil || e.subsystem == subsystem {
			h.give()
		}
	}
}

// supply is one directory of the class.
type supply struct {
	battery   bool
	online    bool   // of a plug
	status    string // of a battery: "Charging", ...
	now, full float64
}

// read returns the supplies that feed the machine. A wireless mouse also has a
// battery; those are left out.
func (s powerSupply) read() []supply {
	dir := filepath.Join(s.root, "sys/class/power_supply")
	entries, _ := os.ReadDir(dir) // an error means that there are none
	var all []supply
	for _, e := range entries {
		if one, ok := readSupply(filepath.Join(dir, e.Name())); ok {
			all = append(all, one)
		}
	}
	return all
}

func readSupply(dir string) (supply, bool) {
	text := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		return strings.TrimSpace(string(b))
	}
	if text("scope") == "Device" || text("present") == "0" {
		return supply{}, false
	}
	if text("type") != "Battery" && text("type") != "UPS" {
		online, err := strconv.Atoi(text("online"))
		return supply{online: online > 0}, err == nil
	}
	s := supply{battery: true, status: text("status")}
	for _, unit := range []string{"energy", "charge"} {
		now, errNow := strconv.ParseFloat(text(unit+"_now"), 64)
		full, errFull := strconv.ParseFloat(text(unit+"_full"), 64)
		if errNow == nil && errFull == nil && full > 0 {
			s.now, s.full = now, full
			return s, true
		}
	}
	capacity, err := strconv.ParseFloat(text("capacity"), 64)
	s.now, s.full = capacity, 100
	return s, err == nil || s.status != ""
}

// supplyFacts combines all batteries. The machine is on battery if any battery is
// discharging, unless a plug is in: with two batteries, one may discharge while
// the other charges.
func supplyFacts(all []supply) []task.Fact {
	var plugs, batteries int
	var online, charging, discharging bool
	var now, full float64
	for _, s := range all {
		if !s.battery {
			plugs++
			online = online || s.online
			continue
		}
		batteries++
		now, full = now+s.now, full+s.full
		charging = charging || s.status == "Charging"
		discharging = discharging || s.status == "Discharging"
	}
	onAC := online || batteries == 0 || !discharging && plugs == 0
	facts := []task.Fact{yesNo(task.FactOnAC, onAC, ""), {Name: task.FactBattery, Value: task.None}, {Name: task.FactPower, Value: task.None}}
	if batteries == 0 {
		facts[0].Detail = "no battery"
		return facts
	}
	facts[1].Value = percent(100 * now / full)
	switch {
	case charging:
		facts[2].Value = Charging
	case discharging:
		facts[2].Value = Discharging
	default:
		facts[2].Value = Idle
	}
	return facts
}
