package task

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

func (f *faults) options(s Spec) {
	f.text("the group", s.Group, MaxName)
	f.text("the exclusive key", s.Exclusive, MaxName)
	f.count("Queue", s.Queue, 0, MaxQueue)
	f.between("RunLimit", s.RunLimit, 0)
	f.misfire(s.Misfire)
	f.hold(s.Hold)
	f.retry(s.Retry)
}

func (f *faults) misfire(m Misfire) {
	switch m.Policy {
	case RunAll:
		f.count("Misfire.Max of RunAll", m.Max, 1, MaxRunAll)
	case RunOnce, Skip:
		if m.Max != 0 {
			f.add(ErrInvalid, fmt.Sprintf("Misfire.Max is %d, and %v takes none", m.Max, m.Policy), "Max belongs to RunAll")
		}
	default:
		f.add(ErrInvalid, fmt.Sprintf("there is no misfire policy number %d", m.Policy), "the policies are RunOnce, Skip and RunAll")
	}
}

func (f *faults) hold(h Hold) {
	f.between("Hold.AtMost", h.AtMost, 0)
	switch {
	case h.Then > RunAnyway:
		f.add(ErrInvalid, fmt.Sprintf("there is no Hold.Then number %d", h.Then), "it is Drop or RunAnyway")
	case h.Then == RunAnyway && h.AtMost == 0:
		f.add(ErrInvalid, "Hold.Then is RunAnyway, and Hold.AtMost is not given", "say after which time it runs anyway")
	}
}

func (f *faults) retry(r RetryPolicy) {
	f.count("Retry.Attempts", r.Attempts, 0, MaxAttempts)
	if r.First != 0 {
		f.between("Retry.First", r.First, MinBackoff)
	}
	if r.Limit != 0 {
		f.between("Retry.Limit", r.Limit, MinBackoff)
	}
	if r = r.WithDefaults(); r.First > r.Limit && r.Limit > 0 {
		f.add(ErrInvalid, fmt.Sprintf("Retry.First, %s, is longer than Retry.Limit, %s", Interval(r.First), Interval(r.Limit)), "set a longer Limit, or a shorter First")
	}
}

func (f *faults) command(c *Command) {
	f.path("the command", c.Path)
	f.path("the working directory", c.Dir)
	if c.EnvFile != "" {
		f.path("the environment file", c.EnvFile)
	}
	if c.Umask > 0o777 {
		f.add(ErrInvalid, fmt.Sprintf("the umask %#o is more than 0777", c.Umask), "three octal digits")
	}
	f.commandLine(c)
	f.environment(c.Env)
}

func (f *faults) commandLine(c *Command) {
	size := len(c.Path) + 1
	for _, arg := range c.Args {
		size += len(arg) + 1 // and the NUL that ends it
		f.bytes("the argument", arg)
	}
	if size > MaxCommandLine {
		f.add(ErrLimit, fmt.Sprintf("the command line has %d bytes; at most %d are allowed", size, MaxCommandLine), "put the data into a file and pass its name")
	}
}

// environment shows names only: a value may be a secret.
func (f *faults) environment(env []string) {
	size := 0
	for _, v := range env {
		size += len(v) + 1
		name, value, ok := strings.Cut(v, "=")
		switch {
		case !ok || name == "" || textFault(name) != "":
			f.add(ErrInvalid, fmt.Sprintf("an environment variable is not NAME=VALUE; its name is %q", clip(name, 64)), "write --env NAME=VALUE")
		case strings.ContainsRune(value, 0) || !utf8.ValidString(value):
			f.add(ErrInvalid, fmt.Sprintf("the value of the environment variable %s has a NUL or is not UTF-8", clip(name, 64)), "leave it out")
		}
	}
	if size > MaxEnvironment {
		f.add(ErrLimit, fmt.Sprintf("the stored environment has %d bytes; at most %d are allowed", size, MaxEnvironment), "use --env-file, which is read at each launch")
	}
}
