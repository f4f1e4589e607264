//go:build linux

package source

import (
	"context"
	"math"
	"strconv"

	"github.com/bgtask/bgtask/task"
)

const (
	upowerName   = "org.freedesktop.UPower"
	upowerPath   = "/org/freedesktop/UPower"
	upowerDevice = "org.freedesktop.UPower.Device"

	// upowerDisplay is the device that represents all batteries together.
	upowerDisplay = "/org/freedesktop/UPower/devices/DisplayDevice"
)

// powerFacts are the facts that every power source reports. Work-cost is derived
// from them (derive.go).
var powerFacts = []string{task.FactOnAC, task.FactBattery, task.FactPower, task.FactWorkCost}

func newUPower(bus string) Source {
	return service{bus: bus, name: upowerName, path: upowerPath, activate: true, read: readUPower, missing: NotHereError{
		Detail: "UPower is not installed",
		Remedy: "install upower",
	}}
}

func readUPower(ctx context.Context, p *peer) ([]task.Fact, error) {
	all, err := p.properties(ctx, upowerPath, upowerName)
	if err != nil {
		return nil, err
	}
	battery, err := p.properties(ctx, upowerDisplay, upowerDevice)
	if err != nil {
		return nil, err
	}
	return upowerFacts(all, battery), nil
}

func upowerFacts(all, battery properties) []task.Fact {
	facts := []task.Fact{
		yesNo(task.FactOnAC, !value[bool](all, "OnBattery"), ""),
		{Name: task.FactBattery, Value: task.None},
		{Name: task.FactPower, Value: task.None},
	}
	if value[bool](battery, "IsPresent") {
		facts[1].Value = percent(value[float64](battery, "Percentage"))
		facts[2] = upowerState(value[uint32](battery, "State"))
	}
	return facts
}

// upowerState maps UpDeviceState to WinRT's BatteryStatus.
func upowerState(state uint32) task.Fact {
	f := task.Fact{Name: task.FactPower}
	switch state {
	case 1: // charging
		f.Value = Charging
	case 2, 3, 6: // discharging, empty, pending discharge
		f.Value = Discharging
	case 4, 5: // fully charged, pending charge
		f.Value = Idle
	default:
		f.Detail = "UPower does not know the battery's state"
	}
	return f
}

// Values of task.FactPower besides task.None.
const (
	Charging    task.Value = "charging"
	Discharging task.Value = "discharging"
	Idle        task.Value = "idle"
)

func percent(p float64) task.Value {
	if math.IsNaN(p) {
		return task.Unknown
	}
	return task.Value(strconv.Itoa(int(math.Round(min(max(p, 0), 100)))) + "%")
}
