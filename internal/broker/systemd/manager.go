//go:build linux

package systemd

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// askWithin bounds the questions that are asked of a manager for one purpose.
const askWithin = 2 * time.Second

const (
	manager      = "org.freedesktop.systemd1"
	managerPath  = dbus.ObjectPath("/org/freedesktop/systemd1")
	managerIface = "org.freedesktop.systemd1.Manager"
)

// managerState returns the state of the user's service manager: "running",
// "degraded", "stopping" and so on.
func managerState(ctx context.Context) (state string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	err = managerProperty(ctx, "SystemState", &state)
	return state, err
}

// managerEnvironment returns the environment of the user's service manager.
func managerEnvironment(ctx context.Context) (env []string, err error) {
	err = managerProperty(ctx, "Environment", &env)
	return env, err
}

// managerProperty reads a property of the user's service manager, which is on the
// user's session bus.
func managerProperty(ctx context.Context, name string, value any) error {
	conn, err := dialSession(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return property(ctx, conn, manager, managerPath, managerIface+"."+name, value)
}

// dialSession connects to the user's session bus.
func dialSession(ctx context.Context) (*dbus.Conn, error) {
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if dir := os.Getenv("XDG_RUNTIME_DIR"); address == "" && dir != "" {
		address = "unix:path=" + dir + "/bus"
	}
	if address == "" {
		return nil, os.ErrNotExist
	}
	return dbus.Connect(address, dbus.WithContext(ctx))
}

// property reads the property with the full name IFACE.NAME into value.
func property(ctx context.Context, conn *dbus.Conn, service string, path dbus.ObjectPath, name string, value any) error {
	at := strings.LastIndexByte(name, '.')
	var v dbus.Variant
	err := conn.Object(service, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, name[:at], name[at+1:]).Store(&v)
	if err != nil {
		return err
	}
	return v.Store(value)
}
