package adding

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

// storedVariables are the variables of add's environment that are stored for the command,
// beside those of the locale (LC_*).
var storedVariables = []string{"HOME", "LANG", "LANGUAGE", "PATH"}

// sessionVariables point to the current session, which may have ended when the command
// runs. They are never stored.
var sessionVariables = []string{"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK"}

// command returns what the task runs. The program is found now, so that another PATH or
// directory cannot make it a different one.
func (o addOptions) command(words []string) (task.Command, error) {
	if err := checkNoShell(words); err != nil {
		return task.Command{}, err
	}
	path, err := lookUp(words[0])
	if err != nil {
		return task.Command{}, err
	}
	dir, err := directory(o.dir)
	if err != nil {
		return task.Command{}, err
	}
	env, err := environment(os.Environ(), o.env)
	if err != nil {
		return task.Command{}, err
	}
	file, err := o.environmentFile()
	return task.Command{Path: path, Args: slices.Clone(words[1:]), Dir: dir, Env: env, EnvFile: file, Umask: umask()}, err
}

func lookUp(name string) (string, error) {
	if name == "" {
		return "", term.Refuse("the command is empty", "write the command after --")
	}
	path, err := exec.LookPath(name)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return filepath.Abs(path)
	case errors.Is(err, fs.ErrPermission):
		return "", term.Refuse(fmt.Sprintf("the command %s is not executable", name), "chmod +x "+term.Quoted(name))
	case strings.Contains(name, " ") && !strings.Contains(name, "/"):
		return "", term.Refuse(fmt.Sprintf("the command %q was not found", name), "write its arguments as separate words: -- "+name)
	case strings.Contains(name, "/"):
		return "", term.Refuse(fmt.Sprintf("the command %s was not found: %v", name, term.Cause(errors.Unwrap(err))), "give the path of an existing program")
	}
	return "", term.Refuse(fmt.Sprintf("the command %s was not found in PATH", name), "install it, or give its path")
}

// directory returns the absolute path of a directory that exists.
func directory(dir string) (string, error) {
	path, err := filepath.Abs(dir) // "" is the current directory
	if err != nil {
		return "", term.Refuse("the current directory is unknown: "+err.Error(), "use --dir")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", term.Refuse(fmt.Sprintf("--dir %s: %v", dir, term.Cause(err)), "create it first")
	case !info.IsDir():
		return "", term.Refuse(fmt.Sprintf("--dir %s is not a directory", dir), "give a directory")
	}
	return path, nil
}

// environment returns the variables of own that every command needs, and those given,
// which take precedence.
func environment(own, given []string) ([]string, error) {
	values := map[string]string{}
	for _, v := range own {
		name, value, _ := strings.Cut(v, "=")
		if slices.Contains(storedVariables, name) || strings.HasPrefix(name, "LC_") {
			values[name] = value
		}
	}
	for _, v := range given {
		name, value, ok := strings.Cut(v, "=")
		switch {
		case !ok || name == "":
			return nil, term.Refuse(fmt.Sprintf("--env %s is not NAME=VALUE", name), "write --env NAME=VALUE; use --env-file for secrets")
		case slices.Contains(sessionVariables, name):
			return nil, term.Refuse(fmt.Sprintf("--env %s: this variable points to the current session and cannot be stored", name), "the command gets the variable of the session that it runs in")
		case strings.HasPrefix(name, "BGTASK_"):
			return nil, term.Refuse(fmt.Sprintf("--env %s: bgtask sets this variable itself", name), "choose another name")
		}
		values[name] = value
	}
	env := make([]string, 0, len(values))
	for _, name := range term.SortedKeys(values) {
		env = append(env, name+"="+values[name])
	}
	return env, nil
}

// readable reports why a file cannot be opened.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// environmentFile returns the absolute path of a file that can be read now. It is read
// again at each launch.
func (o addOptions) environmentFile() (string, error) {
	if o.envFile == "" {
		return "", nil
	}
	path, err := filepath.Abs(o.envFile)
	if err == nil {
		err = readable(path)
	}
	if err != nil {
		return "", term.Refuse(fmt.Sprintf("--env-file %s: %v", o.envFile, term.Cause(err)), "the file must exist now, and is read at each launch")
	}
	return path, nil
}
