package source

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bgtask/bgtask/task"
)

// chargeEvery is how often the charge is read while a battery is in use: the
// kernel tells of the plug, but not of every percent.
const chargeEvery = 2 * time.Minute

// powerSupply is /sys/class/power_supply. It is always here: a machine without
// batteries is on AC.
type powerSupply struct{ root string }

// Watch implements Source.
func (s powerSupply) Watch(ctx context.Context, report func(...task.Fact)) error {
	events, err := openUevents(s.root)
	if err != nil {
		return err
	}
	h, ended := newHints(), make(chan error, 1)
	go func() { ended <- hintAt(events, "power_supply", h) }()
	defer func() {
		events.close()
		<-ended
	}()
	return follow(ctx, h, ended, func(context.Context) (time.Duration, error) {
		facts := supplyFacts(s.read())
		report(facts...)
		if facts[1].Value == task.None || facts[0].Value == task.Yes && facts[2].Value != Charging {
			return 0, nil
		}
		return chargeEvery, nil
	})
}

// hintAt makes hints of a subsystem's events.
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

// supply is one directory there.
type supply struct {
	battery   bool
	online    bool   // of one that is no battery
	status    string // of a battery: Charging, ...
	now, full float64
}

// read lists those that feed the machine; a mouse has a battery as well.
func (s powerSupply) read() []supply {
	dir := filepath.Join(s.root, "sys/class/power_supply")
	entries, _ := os.ReadDir(dir) // without the class there are none
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

// supplyFacts puts all batteries together. One that discharges means battery
// power, unless a plug is in (then two batteries take turns).
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
