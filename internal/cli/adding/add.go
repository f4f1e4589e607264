package adding

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// addOptions are the flags of add.
type addOptions struct {
	trigger   triggerOptions
	when      []string
	limit     time.Duration
	retry     int
	retries   bool // --retry is given
	hold      string
	misfire   string
	exclusive string
	onLoss    bool
	dir       string
	env       []string
	envFile   string
	replace   bool
}

func newAdd(a *app) *cobra.Command {
	var o addOptions
	c := &cobra.Command{
		Use:               "add [NAME] [TRIGGER] [flags] -- CMD [ARG...]",
		Short:             "Create a task that runs a command",
		Long:              addHelp(),
		Example:           addExample,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			o.retries = c.Flags().Changed("retry")
			spec, err := o.spec(a, c, args)
			if err == nil {
				err = a.add(c.Context(), spec, o.replace)
			}
			return addError(err)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.trigger.flags(f)
	f.StringSliceVar(&o.when, "when", nil, "run only while all these `CONDITIONS` hold: internet,on-ac,...")
	term.DurationVar(f, &o.limit, "limit", "cancel a run after this time")
	f.IntVar(&o.retry, "retry", 0, "`NUMBER` of attempts; retries after any failure")
	f.StringVar(&o.hold, "hold", "", "wait at most this `TIME` for the conditions, then drop the run (3d) or run anyway (3d:run)")
	f.StringVar(&o.misfire, "misfire", "", "what to do about missed times, `POLICY`: run once, skip, or all:N of them")
	f.StringVar(&o.exclusive, "exclusive", "", "never run at the same time as another command with this `KEY`")
	f.BoolVar(&o.onLoss, "cancel-on-loss", false, "cancel the run when a condition stops holding, and run again when all hold")
	f.StringVar(&o.dir, "dir", "", "run in this `DIR` instead of the current one")
	f.StringArrayVar(&o.env, "env", nil, "set an environment variable, `NAME=VALUE`; stored with the task; may be repeated")
	f.StringVar(&o.envFile, "env-file", "", "read more variables from this `FILE` at each launch; use it for secrets")
	f.BoolVar(&o.replace, "replace", false, "change the task of this name, which keeps its id and history")
	_ = c.RegisterFlagCompletionFunc("when", verb.OfferWords(conditionWords()...))
	_ = c.RegisterFlagCompletionFunc("on", verb.OfferWords(triggerWords()...))
	_ = c.MarkFlagDirname("dir")
	return c
}

// splitAtDash separates the name from the command.
func splitAtDash(c *cobra.Command, args []string) (name string, command []string, err error) {
	const shows = "the command comes last, after --: bgtask add NAME --every 6h -- CMD ARG..."
	dash := c.ArgsLenAtDash()
	switch {
	case dash < 0:
		return "", nil, term.Refuse("missing -- and the command", shows)
	case dash == len(args):
		return "", nil, term.Refuse("missing command after --", shows)
	case dash > 1:
		return "", nil, term.Refuse(fmt.Sprintf("unexpected argument %q before --", args[1]), "quote a name of several words: bgtask add 'my backup' ...")
	}
	if dash == 1 {
		name, err = args[0], checkName(args[0])
	}
	return name, args[dash:], err
}

// checkName refuses a name that is given and empty, such as an unset "$NAME", and one
// with spaces around it, which is hard to type again.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return term.Refuse(fmt.Sprintf("the name %q is empty", name), "leave the name out to name the task after its command")
	case strings.TrimSpace(name) != name:
		return term.Refuse(fmt.Sprintf("the name %q begins or ends with a space", name), "write "+term.Quoted(strings.TrimSpace(name)))
	}
	return nil
}

// addError puts the verb in front of each error, and gives refusals of the broker the exit
// code of an invalid command line: nothing was changed.
func addError(err error) error {
	if err == nil {
		return nil
	}
	var all []error
	for _, each := range term.Leaves(err) {
		e := &task.Error{Op: "add", Err: each, Detail: each.Error(), Hint: task.Hint(each)}
		if own, ok := term.Outermost(each); ok {
			e.Detail = (&task.Error{Subject: own.Subject, Err: own.Err, Detail: own.Detail}).Error()
		}
		all = append(all, e)
	}
	e := errors.Join(all...)
	for _, refusal := range []error{task.ErrConflict, task.ErrLimit, task.ErrNotSupported, task.ErrClassNotDeclared} {
		if errors.Is(err, refusal) {
			return term.ExitsWith(e, term.ExitUsage)
		}
	}
	return e
}

// spec returns the registration that the command line describes, or all its faults.
func (o addOptions) spec(a *app, c *cobra.Command, args []string) (task.Spec, error) {
	name, command, err := splitAtDash(c, args)
	if err != nil {
		return task.Spec{}, err
	}
	spec, err := o.read(a, name, command)
	if err == nil {
		err = spec.Validate()
	}
	return spec, err
}

func (o addOptions) read(a *app, name string, command []string) (task.Spec, error) {
	var all []error
	note := func(err error) { all = append(all, err) }

	cmd, err := o.command(command)
	note(err)
	trigger, err := o.trigger.trigger(a)
	note(err)
	conditions, err := parseConditions(o.when)
	note(err)
	hold, err := parseHold(o.hold)
	note(err)
	misfire, err := parseMisfire(o.misfire)
	note(err)
	if name == "" {
		name = filepath.Base(command[0])
	}
	if o.retries && (o.retry < 1 || o.retry > task.MaxAttempts) {
		note(term.Refuse(fmt.Sprintf("--retry %d is out of range", o.retry), fmt.Sprintf("the number of attempts is from 1 to %d", task.MaxAttempts)))
	}
	cmd.Retry = o.retry > 0
	return task.Spec{
		Name: name, EntryPoint: task.CommandClass, Trigger: trigger, Conditions: conditions, CancelOnConditionLoss: o.onLoss,
		Retry: task.RetryPolicy{Attempts: o.retry}, Misfire: misfire, Hold: hold, Exclusive: o.exclusive, RunLimit: o.limit, Command: &cmd,
	}, errors.Join(all...)
}

func parseConditions(words []string) (all []task.Condition, err error) {
	for _, word := range words {
		c, err := task.ParseCondition(strings.TrimSpace(word))
		if err != nil {
			return nil, term.UnknownWord("--when", "condition", word, conditionWords())
		}
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all, nil
}

func conditionWords() (all []string) {
	for _, row := range task.SystemConditions() {
		all = append(all, row.Word)
	}
	return all
}

// parseHold parses "3d", "3d:drop", "3d:run".
func parseHold(s string) (h task.Hold, err error) {
	if s == "" {
		return h, nil
	}
	most, then, _ := strings.Cut(s, ":")
	if h.AtMost, err = term.ParseDuration(most); err != nil {
		return h, term.Refuse("--hold: "+err.Error(), "write --hold 3d, --hold 3d:drop or --hold 3d:run")
	}
	switch then {
	case "", "drop":
		h.Then = task.Drop
	case "run":
		h.Then = task.RunAnyway
	default:
		return h, term.UnknownWord("--hold", "action", then, []string{"drop", "run"})
	}
	return h, nil
}

// parseMisfire parses "once", "skip", "all:N".
func parseMisfire(s string) (m task.Misfire, err error) {
	policy, most, counted := strings.Cut(s, ":")
	switch {
	case s == "" || s == "once":
		return m, nil
	case s == "skip":
		return task.Misfire{Policy: task.Skip}, nil
	case policy != "all":
		return m, term.UnknownWord("--misfire", "policy", s, []string{"once", "skip", "all:N"})
	}
	m.Policy = task.RunAll
	if m.Max, err = strconv.Atoi(most); err != nil || !counted || m.Max < 1 || m.Max > task.MaxRunAll {
		return m, term.Refuse(fmt.Sprintf("--misfire %s: missing or invalid number", s), fmt.Sprintf("write --misfire all:N, with N from 1 to %d", task.MaxRunAll))
	}
	return m, nil
}

// inFlags restates in the words of the flag what the policy of the broker refuses.
func (a *app) inFlags(ctx context.Context, t task.Trigger, refused error) error {
	timer, ok := t.(task.TimeTrigger)
	status, err := a.Broker.Status(ctx)
	if !ok || err != nil || !errors.Is(refused, task.ErrInvalid) {
		return refused
	}
	err = task.CheckFreshness(t, status.Policy)
	if err == nil {
		return refused
	}
	flag := "--every"
	if timer.OneShot {
		flag = "--in"
	}
	least := task.Interval(status.Policy.WithDefaults().MinFreshness)
	return term.Refuse(fmt.Sprintf("%s %s is shorter than the shortest interval allowed here, %s", flag, timer.Freshness, least), task.Hint(err))
}

func (a *app) add(ctx context.Context, spec task.Spec, replace bool) error {
	done, err := a.Broker.Register(ctx, spec, client.Registering{Ensure: replace, Unique: !replace, Package: task.CommandPackage})
	if e, ok := errors.AsType[*task.Error](err); ok && errors.Is(err, task.ErrConflict) && e.Subject == spec.Name {
		return &task.Error{Subject: spec.Name, Err: task.ErrConflict, Detail: "a command task with this name exists", Hint: "--replace changes it; or choose another name"}
	} else if err != nil {
		return a.inFlags(ctx, spec.Trigger, err)
	}
	info, err := a.Broker.Task(ctx, done.TaskID)
	if err != nil {
		return err
	}
	if a.JSON {
		a.Object(term.Member("task", info), term.Member("change", verb.ChangeWord(done.Change)), term.Member("warnings", term.ListOf(done.Warnings)))
		return nil
	}
	a.Printf("%s\n", a.added(info, done.Change))
	for _, w := range done.Warnings {
		a.Warn("%s", w)
	}
	return nil
}

// added returns "backup: every 6 h, when InternetAvailable and ACPower; first at
// 20:47:13. To run it now: bgtask fire backup".
func (a *app) added(info task.Info, change wire.Change) string {
	s := term.Joined(", ", triggerPhrase(info.Spec.Trigger), whenPhrase(info.Spec.Conditions))
	if change != wire.Added {
		s = verb.ChangeWord(change) + ": " + s
	}
	if info.State.NextKnown {
		s += "; " + term.Joined(" ", ordinal(info.Spec.Trigger, change), a.at(info.State.Next))
	}
	return term.Clean(info.Spec.Name + ": " + s + ". To run it now: bgtask fire " + term.Quoted(info.Spec.Name))
}

// ordinal says which time is named; a single one has no ordinal.
func ordinal(t task.Trigger, change wire.Change) string {
	switch {
	case task.OneShot(t):
		return ""
	case change == wire.Added:
		return "first"
	}
	return "next"
}

func whenPhrase(conditions []task.Condition) string {
	if len(conditions) == 0 {
		return ""
	}
	names := make([]string, len(conditions))
	for i, c := range conditions {
		names[i] = c.String()
	}
	return "when " + term.And(names)
}

// at formats a time to come as "at 20:47:13", "tomorrow 00:00:00", "on 2026-12-01 09:00:00 CET".
func (a *app) at(t time.Time) string {
	switch {
	case !a.Screen.Terminal || a.Days(t) == 0:
		return "at " + a.Clock(t)
	case a.Days(t) == 1:
		return a.Day(t)
	}
	return "on " + a.Day(t)
}
