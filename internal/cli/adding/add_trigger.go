package adding

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/pflag"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

// triggerOptions are the flags that say when: one of them at most.
type triggerOptions struct {
	every, in        time.Duration
	at, calendar, on string
}

func (o *triggerOptions) flags(f *pflag.FlagSet) {
	term.DurationVar(f, &o.every, "every", "at this interval")
	term.DurationVar(f, &o.in, "in", "once, after this time")
	f.StringVar(&o.at, "at", "", `once, at this time: "2026-12-01 09:00", 09:00`)
	f.StringVar(&o.calendar, "calendar", "", `a calendar expression: "Mon..Fri 09:00", "0 9 * * 1-5"`)
	f.StringVar(&o.on, "on", "", "on an event: internet, power, event:ID, path:DIR, socket:ADDRESS, toast, push, ...")
}

// trigger is that of the one flag which is given; none is fired by hand only.
func (o triggerOptions) trigger(a *app) (task.Trigger, error) {
	var given []string
	for _, f := range []struct {
		name string
		set  bool
	}{{"--every", o.every > 0}, {"--in", o.in > 0}, {"--at", o.at != ""}, {"--calendar", o.calendar != ""}, {"--on", o.on != ""}} {
		if f.set {
			given = append(given, f.name)
		}
	}
	switch {
	case len(given) > 1:
		return nil, term.Refuse(fmt.Sprintf("%s are %d triggers", term.And(given), len(given)), "one trigger a task: add a second task with the same command")
	case o.every > 0:
		return task.TimeTrigger{Freshness: o.every}, nil
	case o.in > 0:
		return task.TimeTrigger{Freshness: o.in, OneShot: true}, nil
	case o.at != "":
		return a.atTrigger(o.at)
	case o.calendar != "":
		return a.calendarTrigger(o.calendar)
	case o.on != "":
		return onTrigger(o.on)
	}
	return task.ApplicationTrigger{}, nil
}

// atTrigger is a calendar with one instant: it means the time that clocks show,
// also when the machine's zone changes until then.
func (a *app) atTrigger(s string) (task.Trigger, error) {
	t, zone, err := a.parseAt(s)
	if err != nil {
		return nil, err
	}
	expr := t.Format("2006-01-02 15:04:05") + zone
	schedule, err := calendar.Parse(expr)
	if err != nil {
		return nil, term.Refuse(fmt.Sprintf("--at %q: %v", s, err), `write --at "2026-12-01 09:00"`)
	}
	if _, comes := schedule.Next(a.Now(), t.Location()); !comes && t.After(a.Now()) {
		return nil, term.Refuse(fmt.Sprintf("--at %q is more than 50 years away", s), "write an earlier time")
	} else if !comes {
		return nil, term.Refuse(fmt.Sprintf("--at %q is in the past", s), "--in 20m counts from now")
	}
	return task.CalendarTrigger{Expr: t.Format("2006-01-02 15:04:05"), Zone: strings.TrimSpace(zone), OneShot: true}, nil
}

func (a *app) parseAt(s string) (t time.Time, zone string, err error) {
	if t, err = time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), " UTC", nil
	}
	if t, ok := term.ParseIn(a.Zone, s, term.AtLayouts); ok {
		return t, "", nil
	}
	if t, ok := term.ParseIn(a.Zone, s, []string{time.TimeOnly, "15:04"}); ok {
		return a.NextClock(t), "", nil
	}
	return t, "", term.Refuse(fmt.Sprintf("--at %q is not a time", s), `write --at "2026-12-01 09:00", or --at 09:00 for the next one`)
}

func (a *app) calendarTrigger(expr string) (task.Trigger, error) {
	const shows = `such as "Mon..Fri 09:00", daily or "0 9 * * 1-5"`
	schedule, err := calendar.Parse(expr)
	if err != nil {
		var e *calendar.SyntaxError
		if errors.As(err, &e) {
			return nil, term.Refuse("--calendar "+strings.TrimPrefix(err.Error(), "calendar expression "), shows)
		}
		return nil, term.Refuse("--calendar: "+err.Error(), shows)
	}
	zone := a.Zone
	if name := schedule.Zone(); name != "" {
		if zone, err = time.LoadLocation(name); err != nil {
			return nil, term.Refuse(fmt.Sprintf("--calendar %q: there is no time zone %s here", expr, name), "zones are named as in Europe/Berlin")
		}
	}
	if _, comes := schedule.Next(a.Now(), zone); !comes {
		return nil, term.Refuse(fmt.Sprintf("--calendar %q never comes", expr), "'systemd-analyze calendar' shows what an expression means")
	}
	return task.CalendarTrigger{Expr: expr}, nil
}

const (
	onEvent  = "event:"
	onPath   = "path:"
	onSocket = "socket:"
	onDevice = "device:"
	onToast  = "toast"
	onPush   = "push"
)

// onTrigger reads the word of --on.
func onTrigger(word string) (task.Trigger, error) {
	if id, ok := strings.CutPrefix(word, onEvent); ok {
		if id == "" {
			return nil, term.Refuse("--on event: has no id", "write --on event:ID; 'bgtask raise ID' raises it")
		}
		return task.CustomSystemEventTrigger{ID: id, Recurrence: task.Always}, nil
	}
	if dir, ok := strings.CutPrefix(word, onPath); ok {
		return pathTrigger(dir)
	}
	if address, ok := strings.CutPrefix(word, onSocket); ok {
		return socketTrigger(address)
	}
	if subsystem, ok := strings.CutPrefix(word, onDevice); ok {
		return deviceTrigger(subsystem)
	}
	if word == onPush {
		return task.PushNotificationTrigger{}, nil
	}
	if word == onToast {
		return task.ToastNotificationActionTrigger{}, nil
	}
	if tag, ok := strings.CutPrefix(word, onToast+":"); ok {
		if tag == "" {
			return nil, term.Refuse("--on toast: has no tag", "write --on toast:TAG, or --on toast for all; 'bgtask toast --tag TAG' shows one")
		}
		return task.ToastNotificationActionTrigger{Tag: tag}, nil
	}
	for _, row := range task.SystemTriggerTypes() {
		switch {
		case row.Word == word:
			return task.SystemTrigger{Type: row.Type}, nil
		case row.Word == "" && means(word, row.Name) && row.Supported:
			return nil, term.Refuse(fmt.Sprintf("--on %s is told to applications of a package only: %s", word, row.Why), "a command has no package")
		case row.Word == "" && means(word, row.Name):
			return nil, cannotFire(word, row.Why)
		}
	}
	for _, row := range task.TriggerClasses() {
		if row.Support != task.Supported && means(word, strings.TrimSuffix(row.Class, "Trigger")) {
			return nil, cannotFire(word, row.Why)
		}
	}
	return nil, term.UnknownWord("--on", "event", word, triggerWords())
}

func cannotFire(word, why string) error {
	return &task.Error{Err: task.ErrTriggerNotSupported, Detail: fmt.Sprintf("--on %s cannot fire here: %s", word, why),
		Hint: "those that can are: " + strings.Join(triggerWords(), " ")}
}

// means says whether word is the name of WinRT as the command line would spell
// it, or its beginning: "sms" means SmsReceived.
func means(word, name string) bool {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	kebab := b.String()
	return kebab == word || strings.HasPrefix(kebab, word+"-")
}

func triggerWords() (all []string) {
	for _, row := range task.SystemTriggerTypes() {
		if row.Word != "" {
			all = append(all, row.Word)
		}
	}
	return append(all, onEvent+"ID", onPath+"DIR", onSocket+"ADDRESS", onDevice+"SUBSYSTEM[,NAME=VALUE]", onToast+"[:TAG]", onPush)
}

// deviceTrigger reads SUBSYSTEM[,NAME=VALUE]...
func deviceTrigger(word string) (task.Trigger, error) {
	words := strings.Split(word, ",")
	if words[0] == "" {
		return nil, term.Refuse("--on device: has no subsystem", "write --on device:usb; /sys/class and /sys/bus have them")
	}
	t := task.DeviceWatcherTrigger{Subsystem: words[0]}
	for _, property := range words[1:] {
		name, value, ok := strings.Cut(property, "=")
		_, twice := t.Properties[name]
		switch {
		case !ok || name == "":
			return nil, term.Refuse(fmt.Sprintf("--on device:%s: %q is not NAME=VALUE", word, property), "such as --on device:usb,ID_VENDOR_ID=046d; 'udevadm monitor --property' shows them")
		case twice:
			return nil, term.Refuse(fmt.Sprintf("--on device:%s: %s is given twice", word, name), "a device has one value of it")
		case t.Properties == nil:
			t.Properties = map[string]string{}
		}
		t.Properties[name] = value
	}
	return t, nil
}

// pathTrigger watches a file or folder that is there: what is not could be a
// slip, and would never fire.
func pathTrigger(dir string) (task.Trigger, error) {
	if dir == "" {
		return nil, term.Refuse("--on path: has no path", "write --on path:DIR")
	}
	path, err := filepath.Abs(dir)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return nil, term.Refuse(fmt.Sprintf("--on path:%s: %v", dir, term.Cause(err)), "make it first")
	}
	return task.StorageLibraryContentChangedTrigger{Paths: []string{path}}, nil
}

// socketTrigger listens on tcp:127.0.0.1:PORT or unix:PATH, which may be relative.
func socketTrigger(address string) (task.Trigger, error) {
	const shows = "write --on socket:tcp:127.0.0.1:PORT or --on socket:unix:PATH"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if path == "" {
			return nil, term.Refuse("--on socket:unix: has no path", shows)
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return nil, term.Refuse(fmt.Sprintf("--on socket:%s: %v", address, term.Cause(err)), shows)
		}
		return task.SocketActivityTrigger{Listen: "unix:" + path}, nil
	}
	if !strings.HasPrefix(address, "tcp:") {
		return nil, term.Refuse(fmt.Sprintf("--on socket:%s is no address", address), shows)
	}
	return task.SocketActivityTrigger{Listen: address}, nil
}

// triggerPhrase is "every 6 h", "on InternetAvailable", "only by fire".
func triggerPhrase(t task.Trigger) string {
	switch t := t.(type) {
	case task.TimeTrigger:
		if t.OneShot {
			return "once, in " + task.Interval(t.Freshness)
		}
		return "every " + task.Interval(t.Freshness)
	case task.CalendarTrigger:
		if t.OneShot {
			return "once"
		}
		return fmt.Sprintf("at %q", t.Expr)
	case task.ApplicationTrigger:
		return "only by fire"
	case task.CustomSystemEventTrigger, task.StorageLibraryContentChangedTrigger, task.SocketActivityTrigger, task.DeviceWatcherTrigger, task.SystemTrigger,
		task.ToastNotificationActionTrigger, task.PushNotificationTrigger:
		return "on " + task.WaitsFor(t)
	}
	return t.Class()
}

// shellWords are what a shell reads as more than a word.
var shellWords = []string{"|", "||", "&&", "&", ">", ">>", "<", "<<", "2>", "2>>", "2>&1", "&>"}

func checkNoShell(command []string) error {
	for _, word := range command {
		if slices.Contains(shellWords, word) {
			return term.Refuse(fmt.Sprintf("%q is for a shell, and there is none", word), "use: -- sh -c "+term.Quoted(strings.Join(command, " ")))
		}
	}
	return nil
}
