//go:build linux

package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// inherited are the variables that a command gets from the server's environment:
// the user's identity, access to the current session, the launch that the command
// belongs to, and the broker's socket and state directory. The latter are needed
// because a bgtask in the command may have to start the broker.
var inherited = []string{
	"HOME", "USER", "LOGNAME", "SHELL", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME",
	"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK",
	task.TreeEnv, "BGTASK_STATE", "BGTASK_SOCKET",
}

// environment returns the environment of a command. If a variable is set several
// times, the last value counts.
func environment(own []string, a task.Activation) ([]string, error) {
	e := make(variables)
	for _, name := range inherited {
		e.take(own, name)
	}
	e.identify()
	for _, v := range a.Spec.Command.Env {
		e.set(v)
	}
	if path := a.Spec.Command.EnvFile; path != "" {
		file, err := readEnvFile(path)
		if err != nil {
			return nil, err
		}
		for _, v := range file {
			e.set(v)
		}
	}
	e["BGTASK_TASK"] = a.Spec.Name
	e["BGTASK_OCCURRENCE"] = strconv.FormatUint(a.Occurrence.Number, 10)
	e["BGTASK_ATTEMPT"] = strconv.Itoa(a.Attempt)
	e["BGTASK_LOCAL_FOLDER"] = a.Folder
	if a.Details != nil {
		e["BGTASK_DETAILS"] = details(a.Details)
	}
	if d, ok := a.Details.(task.ToastNotificationActionTriggerDetails); ok && d.ActivationToken != "" {
		e["XDG_ACTIVATION_TOKEN"] = d.ActivationToken
		e["DESKTOP_STARTUP_ID"] = d.ActivationToken // the name of the token on X11
	}
	return e.list(), nil
}

// maxDetails is below the kernel's limit for one variable, 128 KiB. Only changed
// paths and the user's text can be larger as JSON.
const maxDetails = 120 << 10

// details returns the trigger's details as JSON. Details that are too large are
// reduced.
func details(d task.Details) string {
	b, err := json.Marshal(d)
	if toast, ok := d.(task.ToastNotificationActionTriggerDetails); ok && len(b) > maxDetails {
		toast.UserInput = ""
		return details(toast)
	}
	if err != nil || len(b) > maxDetails {
		b, _ = json.Marshal(task.StorageLibraryContentChangedTriggerDetails{Overflow: true})
	}
	return string(b)
}

type variables map[string]string

func (e variables) set(v string) {
	if name, value, ok := strings.Cut(v, "="); ok && name != "" {
		e[name] = value
	}
}

func (e variables) take(from []string, name string) {
	for _, v := range from {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			e[name] = value
		}
	}
}

// identify fills in the user's identity where it is missing.
func (e variables) identify() {
	u, err := user.Current()
	if err != nil {
		return
	}
	for name, value := range map[string]string{"HOME": u.HomeDir, "USER": u.Username, "LOGNAME": u.Username, "SHELL": "/bin/sh"} {
		if e[name] == "" {
			e[name] = value
		}
	}
}

func (e variables) list() []string {
	all := make([]string, 0, len(e))
	for name, value := range e {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return all
}

// readEnvFile reads lines of the form NAME=VALUE. It ignores empty lines and
// lines that begin with "#", and removes quotes around a whole value. Errors
// contain no values, since these may be secrets.
func readEnvFile(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, errors.New("cannot read its environment file: " + cause(err))
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, task.MaxEnvironment+1))
	if err != nil {
		return nil, errors.New("cannot read its environment file: " + cause(err))
	}
	if len(data) > task.MaxEnvironment {
		return nil, fmt.Errorf("its environment file %s has more than %d bytes", path, task.MaxEnvironment)
	}
	return parseEnvFile(path, string(data))
}

func parseEnvFile(path, text string) ([]string, error) {
	var all []string
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t\x00") || strings.Contains(value, "\x00") {
			return nil, fmt.Errorf("line %d of its environment file %s is not of the form NAME=VALUE", i+1, path)
		}
		all = append(all, name+"="+unquote(strings.TrimSpace(value)))
	}
	return all, nil
}

func unquote(s string) string {
	if n := len(s); n >= 2 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') {
		return s[1 : n-1]
	}
	return s
}
