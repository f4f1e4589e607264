package declaration

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// mostTasks is the number of classes that a process may serve.
const mostTasks = task.MaxClasses

// checker finds everything that is wrong with a declaration.
type checker struct {
	d      *Declaration
	lines  map[string]int
	faults []error
}

func (c *checker) check() {
	d := c.d
	c.value("name", d.Name, true, manifest.RuleName)
	c.value("publisher", d.Publisher, true, manifest.RulePublisher)
	c.value("version", d.Version, true, manifest.RuleVersion)
	c.value("display_name", d.DisplayName, false, manifest.RuleDisplayName)
	c.value("publisher_display_name", d.PublisherDisplayName, false, manifest.RuleDisplayName)
	c.value("description", d.Description, false, manifest.RuleDescription)
	c.value("language", d.Language, false, manifest.RuleLanguage)
	c.value("application", d.Application, false, manifest.RuleApplicationID)
	c.value("background", d.Background, false, manifest.RuleColor)
	c.value("min_windows", d.MinWindows, false, manifest.RuleVersion)
	c.value("tested_windows", d.TestedWindows, false, manifest.RuleVersion)
	c.program()
	c.capabilities()
	c.tasks()
}

// value checks the value of a key against a rule for manifests.
func (c *checker) value(key, value string, required bool, rule manifest.Rule) {
	if value == "" {
		if required {
			c.missing(key, rule)
		}
		return
	}
	if problem := manifest.Problem(rule, value); problem != "" {
		c.fault(key, "%s = %q %s", lastKey(key), value, problem)
	}
}

func (c *checker) missing(key string, rule manifest.Rule) {
	for _, info := range manifest.RuleTable() {
		if info.Rule == rule {
			c.hinted(key, info.Remedy, "%s is missing", lastKey(key))
		}
	}
}

func (c *checker) fault(key, format string, args ...any) { c.hinted(key, "", format, args...) }

// hinted adds a fault with the line of a key. If the key is missing, it uses the
// line of the key's table.
func (c *checker) hinted(key, hint, format string, args ...any) {
	where := c.d.File
	for at := key; at != ""; at, _ = cutLast(at) {
		if line := c.lines[at]; line > 0 {
			where = fmt.Sprintf("%s:%d", where, line)
			break
		}
	}
	c.faults = append(c.faults, fault(where, fmt.Sprintf(format, args...), hint))
}

func cutLast(key string) (before, last string) {
	i := strings.LastIndexByte(key, '.')
	if i < 0 {
		return "", key
	}
	return key[:i], key[i+1:]
}

func lastKey(key string) string {
	_, last := cutLast(key)
	return last
}

func (c *checker) program() {
	d := c.d
	if exe := d.Executable; exe != "" {
		switch {
		case strings.Contains(exe, `\`):
			c.fault("executable", "executable = %q uses \\ as separator; use /", exe)
		case strings.HasSuffix(strings.ToLower(exe), ".exe"):
			c.fault("executable", "executable = %q ends in .exe, which is added automatically for Windows", exe)
		case manifest.Problem(manifest.RuleExecutable, windows(exe)+".exe") != "":
			c.fault("executable", "executable = %q %s", exe, manifest.Problem(manifest.RuleExecutable, windows(exe)+".exe"))
		}
	}
	if d.Program != "" && len(d.Programs) > 0 {
		c.fault("programs", "program and programs are both set; use program for a Go package to build, or programs for programs that are built already")
	}
	for _, platform := range sortedKeys(d.Programs) {
		if _, err := ParsePlatform(platform); err != nil {
			c.fault("programs."+platform, "%v", err)
		}
	}
	for _, file := range d.Files {
		if !filepath.IsLocal(file) || strings.Contains(file, `\`) {
			c.fault("files", "files: %q is not a path inside the declaration's folder with / as separator", file)
		}
	}
	if d.Logo != "" && !filepath.IsLocal(d.Logo) && !filepath.IsAbs(d.Logo) {
		c.fault("logo", "logo = %q is not a path inside the declaration's folder", d.Logo)
	}
}

func (c *checker) capabilities() {
	for _, name := range c.d.Capabilities {
		if _, ok := manifest.CapabilityNamespace(name); !ok {
			c.fault("capabilities", "capabilities: %q is not a Windows capability", name)
		}
	}
}

func (c *checker) tasks() {
	if len(c.d.Tasks) == 0 {
		c.hinted("tasks", "add [[tasks]] with name and class for each class of the program", "no task is declared")
	}
	if n := len(c.d.Tasks); n > mostTasks {
		c.fault("tasks", "there are %d tasks; at most %d are allowed", n, mostTasks)
	}
	var classes []task.GUID
	for i, t := range c.d.Tasks {
		key := fmt.Sprintf("tasks.%d.", i)
		c.value(key+"name", t.Name, true, manifest.RuleDisplayName)
		c.value(key+"class", t.Class, true, manifest.RuleGUID)
		c.value(key+"arguments", t.Arguments, false, manifest.RuleText)
		id := t.ID()
		if first := slices.Index(classes, id); first >= 0 && !id.IsZero() {
			c.fault(key+"class", "class = %q is also the class of the task %q; declare each class only once", t.Class, c.d.Tasks[first].Name)
		}
		classes = append(classes, id)
	}
}
