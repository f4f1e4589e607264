package adding

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

// triggerOptions are the flags of the trigger. At most one of them is given.
type triggerOptions struct {
	every, in        time.Duration
	at, calendar, on string
}

func (o *triggerOptions) flags(f *pflag.FlagSet) {
	term.DurationVar(f, &o.every, "every", "run at this interval")
	term.DurationVar(f, &o.in, "in", "run once, after this time")
	f.StringVar(&o.at, "at", "", `run once, at this `+"`TIME`"+`: "2026-12-01 09:00", or 09:00 for the next one`)
	f.StringVar(&o.calendar, "calendar", "", `run at the times of a calendar `+"`EXPRESSION`"+`: "Mon..Fri 09:00", or as in cron "0 9 * * 1-5"`)
	f.StringVar(&o.on, "on", "", "run at an `EVENT`: internet, power, event:ID, path:PATH, ...")
}

// trigger returns the trigger of the flag that is given. Without one, only fire fires the
// task.
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
		return nil, term.Refuse(fmt.Sprintf("%s cannot be used together", term.And(given)), "a task has one trigger; add a second task with the same command")
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

// atTrigger returns a calendar with one instant. It means the time that clocks show, even
// if the time zone of the machine changes before that.
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
		return nil, term.Refuse(fmt.Sprintf("--at %q is more than 50 years away", s), "choose an earlier time")
	} else if !comes {
		return nil, term.Refuse(fmt.Sprintf("--at %q is in the past", s), "use --in 20m for a time from now")
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
	const shows = `write --calendar "Mon..Fri 09:00", --calendar daily or --calendar "0 9 * * 1-5"`
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
			return nil, term.Refuse(fmt.Sprintf("--calendar %q: unknown time zone %s", expr, name), "name a zone as in Europe/Berlin")
		}
	}
	if _, comes := schedule.Next(a.Now(), zone); !comes {
		return nil, term.Refuse(fmt.Sprintf("--calendar %q never happens", expr), "'systemd-analyze calendar' explains an expression")
	}
	return task.CalendarTrigger{Expr: expr}, nil
}

// triggerPhrase returns "every 6 h", "on InternetAvailable", "only by fire".
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

// shellWords are words that are syntax for a shell.
var shellWords = []string{"|", "||", "&&", "&", ">", ">>", "<", "<<", "2>", "2>>", "2>&1", "&>"}

func checkNoShell(command []string) error {
	for _, word := range command {
		if slices.Contains(shellWords, word) {
			return term.Refuse(fmt.Sprintf("%q is shell syntax, but commands run without a shell", word), "write: -- sh -c "+term.Quoted(strings.Join(command, " ")))
		}
	}
	return nil
}
