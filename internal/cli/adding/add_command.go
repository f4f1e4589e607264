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

// storedVariables are those of add's environment that the command will have;
// those of the locale come with them.
var storedVariables = []string{"HOME", "LANG", "LANGUAGE", "PATH"}

// sessionVariables lead to the session of now, which will be over.
var sessionVariables = []string{"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK"}

// command is what the task runs: found now, so that another PATH or directory
// finds nothing else.
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
		return "", term.Refuse("the command is empty", "write it after --")
	}
	path, err := exec.LookPath(name)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return filepath.Abs(path)
	case errors.Is(err, fs.ErrPermission):
		return "", term.Refuse(fmt.Sprintf("the command %s may not be executed", name), "chmod +x "+term.Quoted(name))
	case strings.Contains(name, " ") && !strings.Contains(name, "/"):
		return "", term.Refuse(fmt.Sprintf("the command %q was not found", name), "write its arguments as words of their own: -- "+name)
	case strings.Contains(name, "/"):
		return "", term.Refuse(fmt.Sprintf("the command %s was not found: %v", name, term.Cause(errors.Unwrap(err))), "give the path of a program")
	}
	return "", term.Refuse(fmt.Sprintf("the command %s was not found in PATH", name), "install it, or give its path")
}

// directory is absolute and is there.
func directory(dir string) (string, error) {
	path, err := filepath.Abs(dir) // "" is where we are
	if err != nil {
		return "", term.Refuse("the working directory is not known: "+err.Error(), "use --dir")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", term.Refuse(fmt.Sprintf("--dir %s: %v", dir, term.Cause(err)), "make it first")
	case !info.IsDir():
		return "", term.Refuse(fmt.Sprintf("--dir %s is not a directory", dir), "give the directory to work in")
	}
	return path, nil
}

// environment keeps of own what a command needs everywhere; given goes before it.
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
			return nil, term.Refuse(fmt.Sprintf("--env %s is not NAME=VALUE", name), "write --env NAME=VALUE; --env-file is the place for secrets")
		case slices.Contains(sessionVariables, name):
			return nil, term.Refuse(fmt.Sprintf("--env %s: this leads to the session of now, and is never stored", name), "the command gets that of the session it is launched in")
		case strings.HasPrefix(name, "BGTASK_"):
			return nil, term.Refuse(fmt.Sprintf("--env %s: bgtask sets this itself", name), "choose another name")
		}
		values[name] = value
	}
	env := make([]string, 0, len(values))
	for _, name := range term.SortedKeys(values) {
		env = append(env, name+"="+values[name])
	}
	return env, nil
}

// environmentFile is absolute and can be read now; it is read at each launch.
func (o addOptions) environmentFile() (string, error) {
	if o.envFile == "" {
		return "", nil
	}
	path, err := filepath.Abs(o.envFile)
	if err == nil {
		var f *os.File
		if f, err = os.Open(path); err == nil {
			f.Close()
		}
	}
	if err != nil {
		return "", term.Refuse(fmt.Sprintf("--env-file %s: %v", o.envFile, term.Cause(err)), "it is read at each launch")
	}
	return path, nil
}
