package task

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// good is a registration without a fault.
func good() Spec {
	return Spec{
		Name:       "SyncNotes",
		EntryPoint: MustGUID("b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a11"),
		Trigger:    TimeTrigger{Freshness: 30 * time.Minute},
		Conditions: []Condition{InternetAvailable, BatteryNotLow},
	}
}

// wide is a registration that uses everything it can.
func wide() Spec {
	s := good()
	s.EntryPoint = CommandClass
	s.Conditions[1] = OrUnknown(BatteryNotLow)
	s.CancelOnConditionLoss = true
	s.Group = "nightly"
	s.Retry = RetryPolicy{Attempts: 8, First: 30 * time.Second, Limit: 2 * time.Hour}
	s.Misfire = Misfire{Policy: RunAll, Max: MaxRunAll}
	s.Hold = Hold{AtMost: 72 * time.Hour, Then: RunAnyway}
	s.Queue = MaxQueue
	s.Exclusive = "store"
	s.RunLimit = 10 * time.Minute
	s.Command = &Command{
		Path: "/usr/bin/restic", Args: []string{"backup", "/home/ann"}, Dir: "/home/ann",
		Env: []string{"PATH=/usr/bin:/bin", "EMPTY="}, EnvFile: "/home/ann/.restic", Umask: 0o22, Retry: true,
	}
	return s
}

func faultsOf(err error) []*Error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []*Error{err.(*Error)}
	}
	var all []*Error
	for _, e := range joined.Unwrap() {
		all = append(all, faultsOf(e)...)
	}
	return all
}

func TestValidateAccepts(t *testing.T) {
	long := strings.Repeat("n", MaxName)
	triggers := []Trigger{
		TimeTrigger{Freshness: time.Second}, TimeTrigger{Freshness: MaxInterval, OneShot: true},
		MaintenanceTrigger{Freshness: time.Hour},
		CalendarTrigger{Expr: "daily"}, CalendarTrigger{Expr: strings.Repeat("9", MaxExpression), Zone: "Europe/Berlin"},
		SystemTrigger{Type: OnInternetAvailable}, SystemTrigger{Type: OnServicingComplete, OneShot: true},
		ApplicationTrigger{},
		CustomSystemEventTrigger{ID: long}, CustomSystemEventTrigger{ID: "morning", Recurrence: Always},
		StorageLibraryContentChangedTrigger{Paths: []string{"/a", "/tmp/a\nb"}, Settle: time.Minute},
		SocketActivityTrigger{Listen: "tcp:127.0.0.1:8080"}, SocketActivityTrigger{Listen: "tcp:[::1]:1"},
		SocketActivityTrigger{Listen: "tcp:127.8.9.1:65535"}, SocketActivityTrigger{Listen: "unix:/run/app.sock"},
		DeviceWatcherTrigger{Subsystem: "usb", Properties: map[string]string{"ID_VENDOR_ID": "1d6b"}},
	}
	for _, tr := range triggers {
		s := good()
		s.Trigger = tr
		if err := s.Validate(); err != nil {
			t.Errorf("%+v: %v", tr, err)
		}
	}
	for _, s := range []Spec{good(), wide()} {
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
	}
	s := good()
	s.Name = "Grüße an alle 🙂"
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}

// TestValidateRefuses changes one thing of a good registration at a time and
// expects exactly the fault that this makes.
func TestValidateRefuses(t *testing.T) {
	trigger := func(tr Trigger) func(*Spec) { return func(s *Spec) { s.Trigger = tr } }
	command := func(change func(*Command)) func(*Spec) {
		return func(s *Spec) {
			c := *wide().Command
			change(&c)
			s.EntryPoint, s.Command = CommandClass, &c
		}
	}
	var nowhere *TimeTrigger
	tests := []struct {
		name   string
		change func(*Spec)
		is     error
		says   string
	}{
		{"no name", func(s *Spec) { s.Name = "" }, ErrInvalid, "needs a name"},
		{"slash", func(s *Spec) { s.Name = "a/b" }, ErrInvalid, `no "/"`},
		{"long name", func(s *Spec) { s.Name = strings.Repeat("n", MaxName+1) }, ErrLimit, "257 bytes"},
		{"control in name", func(s *Spec) { s.Name = "a\x1b[2J" }, ErrInvalid, "control character"},
		{"bidi in name", func(s *Spec) { s.Name = "a\u202eb" }, ErrInvalid, "control character"},
		{"bytes in name", func(s *Spec) { s.Name = "a\xff" }, ErrInvalid, "not UTF-8"},
		{"no entry point", func(s *Spec) { s.EntryPoint = GUID{} }, ErrInvalid, "EntryPoint"},
		{"command class without command", func(s *Spec) { s.EntryPoint = CommandClass }, ErrInvalid, "needs a command"},
		{"command without its class", func(s *Spec) { s.Command = wide().Command }, ErrInvalid, "command class"},

		{"no trigger", trigger(nil), ErrInvalid, "needs a trigger"},
		{"pointer", trigger(&TimeTrigger{Freshness: time.Hour}), ErrInvalid, "*task.TimeTrigger"},
		{"nil pointer", trigger(nowhere), ErrInvalid, "*task.TimeTrigger"},
		{"embedded", trigger(struct{ TimeTrigger }{}), ErrInvalid, "is not a trigger"},
		{"no freshness", trigger(TimeTrigger{}), ErrInvalid, "no Freshness"},
		{"negative freshness", trigger(MaintenanceTrigger{Freshness: -1}), ErrInvalid, "negative"},
		{"vast freshness", trigger(TimeTrigger{Freshness: MaxInterval + 1}), ErrLimit, "50 years"},
		{"empty calendar", trigger(CalendarTrigger{Expr: " "}), ErrInvalid, "expression is empty"},
		{"long calendar", trigger(CalendarTrigger{Expr: strings.Repeat("9", MaxExpression+1)}), ErrLimit, "1025 bytes"},
		{"control in zone", trigger(CalendarTrigger{Expr: "daily", Zone: "\n"}), ErrInvalid, "time zone has a control"},
		{"no such system trigger", trigger(SystemTrigger{Type: 16}), ErrInvalid, "number 16"},
		{"zero system trigger", trigger(SystemTrigger{}), ErrInvalid, "number 0"},
		{"sms", trigger(SystemTrigger{Type: OnSmsReceived}), ErrTriggerNotSupported, "no modem service"},
		{"no event id", trigger(CustomSystemEventTrigger{}), ErrInvalid, "no id"},
		{"long event id", trigger(CustomSystemEventTrigger{ID: strings.Repeat("n", MaxName+1)}), ErrLimit, "257 bytes"},
		{"recurrence", trigger(CustomSystemEventTrigger{ID: "e", Recurrence: 2}), ErrInvalid, "recurrence number 2"},
		{"no paths", trigger(StorageLibraryContentChangedTrigger{}), ErrLimit, "1 to 64"},
		{"many paths", trigger(StorageLibraryContentChangedTrigger{Paths: manyPaths(65)}), ErrLimit, "1 to 64"},
		{"relative path", trigger(StorageLibraryContentChangedTrigger{Paths: []string{"a"}}), ErrInvalid, "not absolute"},
		{"path twice", trigger(StorageLibraryContentChangedTrigger{Paths: []string{"/a", "/a"}}), ErrInvalid, "twice"},
		{"NUL in path", trigger(StorageLibraryContentChangedTrigger{Paths: []string{"/a\x00"}}), ErrInvalid, "NUL"},
		{"settle", trigger(StorageLibraryContentChangedTrigger{Paths: []string{"/a"}, Settle: -1}), ErrInvalid, "Settle is negative"},
		{"listen nothing", trigger(SocketActivityTrigger{}), ErrInvalid, "neither tcp: nor unix:"},
		{"listen udp", trigger(SocketActivityTrigger{Listen: "udp:127.0.0.1:1"}), ErrInvalid, "neither tcp: nor unix:"},
		{"listen to all", trigger(SocketActivityTrigger{Listen: "tcp:0.0.0.0:80"}), ErrInvalid, "not a loopback"},
		{"listen by name", trigger(SocketActivityTrigger{Listen: "tcp:localhost:80"}), ErrInvalid, "not a numeric address"},
		{"listen to port 0", trigger(SocketActivityTrigger{Listen: "tcp:127.0.0.1:0"}), ErrInvalid, "port 0"},
		{"relative socket", trigger(SocketActivityTrigger{Listen: "unix:a.sock"}), ErrInvalid, "not absolute"},
		{"long socket", trigger(SocketActivityTrigger{Listen: "unix:/" + strings.Repeat("s", maxSocketPath)}), ErrLimit, "at most 107"},
		{"no subsystem", trigger(DeviceWatcherTrigger{}), ErrInvalid, "no subsystem"},
		{"nameless property", trigger(DeviceWatcherTrigger{Subsystem: "usb", Properties: map[string]string{"": "x"}}), ErrInvalid, "has no name"},
		{"many properties", trigger(DeviceWatcherTrigger{Subsystem: "usb", Properties: manyProperties(65)}), ErrLimit, "65 device properties"},
		{"push", trigger(PushNotificationTrigger{ApplicationID: strings.Repeat("a", MaxName+1)}), ErrLimit, "the application id"},
		{"toast", trigger(ToastNotificationActionTrigger{Tag: "a\n"}), ErrInvalid, "the tag"},

		{"no such condition", func(s *Spec) { s.Conditions = []Condition{SystemCondition(9)} }, ErrInvalid, "number 9"},
		{"condition twice", func(s *Spec) { s.Conditions = []Condition{ACPower, ACPower} }, ErrInvalid, "ACPower is given twice"},
		{"contradiction", func(s *Spec) { s.Conditions = []Condition{InternetAvailable, InternetNotAvailable} }, ErrInvalid,
			"InternetAvailable and InternetNotAvailable never hold together"},
		{"too many", func(s *Spec) { s.Conditions = make([]Condition, MaxConditions+1) }, ErrLimit, "17 conditions"},
		{"no condition", func(s *Spec) { s.Conditions = []Condition{ACPower, nil} }, ErrInvalid, "condition 2 is nil"},
		{"no condition in the wrapper", func(s *Spec) { s.Conditions = []Condition{OrUnknown(SystemCondition(9))} }, ErrInvalid, "number 9"},
		{"condition twice, once or unknown", func(s *Spec) { s.Conditions = []Condition{ACPower, OrUnknown(ACPower)} }, ErrInvalid, "ACPower is given twice"},
		{"condition twice, both or unknown", func(s *Spec) { s.Conditions = []Condition{OrUnknown(ACPower), OrUnknown(ACPower)} }, ErrInvalid, "ACPower is given twice"},
		{"contradiction, or unknown", func(s *Spec) { s.Conditions = []Condition{OrUnknown(UserPresent), DeviceIdle} }, ErrInvalid,
			"UserPresent and DeviceIdle never"},
		{"contradiction, both or unknown", func(s *Spec) { s.Conditions = []Condition{OrUnknown(DeviceIdle), OrUnknown(UserPresent)} }, ErrInvalid,
			"DeviceIdle and UserPresent never"},

		{"group", func(s *Spec) { s.Group = strings.Repeat("g", MaxName+1) }, ErrLimit, "the group has 257"},
		{"exclusive", func(s *Spec) { s.Exclusive = strings.Repeat("g", MaxName+1) }, ErrLimit, "exclusive key has 257"},
		{"queue", func(s *Spec) { s.Queue = MaxQueue + 1 }, ErrLimit, "Queue is 1001"},
		{"negative queue", func(s *Spec) { s.Queue = -1 }, ErrLimit, "Queue is -1"},
		{"run limit", func(s *Spec) { s.RunLimit = -1 }, ErrInvalid, "RunLimit is negative"},
		{"run all of none", func(s *Spec) { s.Misfire.Policy = RunAll }, ErrLimit, "1 to 100"},
		{"run all of many", func(s *Spec) { s.Misfire = Misfire{RunAll, MaxRunAll + 1} }, ErrLimit, "1 to 100"},
		{"max of skip", func(s *Spec) { s.Misfire = Misfire{Skip, 1} }, ErrInvalid, "Skip takes none"},
		{"misfire", func(s *Spec) { s.Misfire.Policy = 3 }, ErrInvalid, "policy number 3"},
		{"hold", func(s *Spec) { s.Hold.AtMost = -1 }, ErrInvalid, "Hold.AtMost is negative"},
		{"hold then", func(s *Spec) { s.Hold = Hold{AtMost: 1, Then: 2} }, ErrInvalid, "Hold.Then number 2"},
		{"run anyway when", func(s *Spec) { s.Hold.Then = RunAnyway }, ErrInvalid, "AtMost is not given"},
		{"attempts", func(s *Spec) { s.Retry.Attempts = MaxAttempts + 1 }, ErrLimit, "Retry.Attempts is 1001"},
		{"first", func(s *Spec) { s.Retry.First = time.Millisecond }, ErrInvalid, "the least is 1 s"},
		{"limit", func(s *Spec) { s.Retry.Limit = -1 }, ErrInvalid, "Retry.Limit is negative"},
		{"first above limit", func(s *Spec) { s.Retry = RetryPolicy{First: time.Minute, Limit: time.Second} }, ErrInvalid, "1 min, is longer"},
		{"first above default", func(s *Spec) { s.Retry.First = 2 * time.Hour }, ErrInvalid, "longer than Retry.Limit, 1 h"},

		{"relative command", command(func(c *Command) { c.Path = "restic" }), ErrInvalid, "the command \"restic\" is not absolute"},
		{"no directory", command(func(c *Command) { c.Dir = "" }), ErrInvalid, "working directory is empty"},
		{"relative env file", command(func(c *Command) { c.EnvFile = "env" }), ErrInvalid, "environment file"},
		{"NUL in argument", command(func(c *Command) { c.Args = []string{"\x00"} }), ErrInvalid, "NUL"},
		{"bytes in argument", command(func(c *Command) { c.Args = []string{"\xff"} }), ErrInvalid, "not UTF-8"},
		{"long command line", command(func(c *Command) { c.Args = []string{strings.Repeat("a", MaxCommandLine)} }), ErrLimit, "command line"},
		{"bad environment", command(func(c *Command) { c.Env = []string{"=secret"} }), ErrInvalid, "NAME=VALUE"},
		{"NUL in environment", command(func(c *Command) { c.Env = []string{"A=secret\x00"} }), ErrInvalid, "variable A"},
		{"long environment", command(func(c *Command) { c.Env = []string{"A=" + strings.Repeat("a", MaxEnvironment)} }), ErrLimit, "stored environment"},
		{"umask", command(func(c *Command) { c.Umask = 0o1000 }), ErrInvalid, "01000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := good()
			tt.change(&s)
			all := faultsOf(s.Validate())
			if len(all) != 1 {
				t.Fatalf("%d faults, want one: %v", len(all), s.Validate())
			}
			e := all[0]
			if !errors.Is(e, tt.is) || !strings.Contains(e.Error(), tt.says) {
				t.Errorf("got %v (%v), want %v with %q", e, e.Err, tt.is, tt.says)
			}
			if e.Hint == "" || e.Subject == "" {
				t.Errorf("no hint or subject: %+v", e)
			}
			if strings.Contains(e.Error()+e.Hint, "secret") || strings.ContainsAny(e.Error(), "\x1b\u202e") {
				t.Errorf("shows what it must not: %q", e.Error())
			}
		})
	}
}

func TestValidateReportsAll(t *testing.T) {
	s := Spec{Conditions: []Condition{UserPresent, UserNotPresent, DeviceIdle}, Queue: -1}
	err := s.Validate(func(Spec) error { return errors.New("a rule of the application") })
	for _, want := range []string{"name", "EntryPoint", "trigger", "UserPresent and UserNotPresent", "UserPresent and DeviceIdle", "Queue", "a rule of the application"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported in:\n%v", want, err)
		}
	}
	if Hint(err) != "set Name" {
		t.Errorf("hint %q, want that of the first fault", Hint(err))
	}
}

func TestPortableToWindows(t *testing.T) {
	s := good()
	s.Conditions = []Condition{InternetAvailable}
	if err := s.Validate(PortableToWindows); err != nil {
		t.Errorf("the sample of Microsoft's page: %v", err)
	}
	all := faultsOf(PortableToWindows(wide()))
	var text []string
	for _, e := range all {
		if !errors.Is(e, ErrNotSupported) || !errors.Is(e, ErrNotSupportedOnWindows) || e.Hint == "" {
			t.Errorf("%v: %+v", e, e)
		}
		text = append(text, e.Detail)
	}
	for _, option := range []string{"BatteryNotLow", "OrUnknown", "Retry", "Misfire", "Hold", "Queue", "Exclusive", "RunLimit", "Command"} {
		if !slices.ContainsFunc(text, func(s string) bool { return strings.HasSuffix(s, option) }) {
			t.Errorf("%s passes as portable: %q", option, text)
		}
	}
	for _, tr := range []Trigger{
		TimeTrigger{Freshness: 15*time.Minute - 1}, TimeTrigger{Freshness: 15*time.Minute + time.Second},
		MaintenanceTrigger{Freshness: 31 * 24 * time.Hour}, CalendarTrigger{Expr: "daily"}, SystemTrigger{Type: OnUserAway},
		ApplicationTrigger{}, SocketActivityTrigger{}, StorageLibraryContentChangedTrigger{}, DeviceWatcherTrigger{},
	} {
		if err := PortableToWindows(Spec{Name: "a", Trigger: tr}); !errors.Is(err, ErrNotSupported) {
			t.Errorf("%+v passes as portable", tr)
		}
	}
}

// TestValidateForWindows: there Windows decides what fires, and what it has no word
// for is refused.
func TestValidateForWindows(t *testing.T) {
	s := good()
	s.Conditions = []Condition{InternetAvailable}
	for _, tr := range []Trigger{
		TimeTrigger{Freshness: 15 * time.Minute}, MaintenanceTrigger{Freshness: time.Hour, OneShot: true}, SystemTrigger{Type: OnSmsReceived},
		ApplicationTrigger{}, PushNotificationTrigger{ApplicationID: "App"}, ToastNotificationActionTrigger{},
	} {
		s.Trigger = tr
		if err := s.ValidateForWindows(); err != nil {
			t.Errorf("%+v: %v", tr, err)
		}
	}
	for _, tr := range []Trigger{
		TimeTrigger{Freshness: time.Minute}, CalendarTrigger{Expr: "daily"}, SocketActivityTrigger{Listen: "tcp:127.0.0.1:80"},
		CustomSystemEventTrigger{ID: "a"}, StorageLibraryContentChangedTrigger{Paths: []string{"/a"}}, DeviceWatcherTrigger{Subsystem: "usb"},
		ToastNotificationActionTrigger{Tag: "a"},
	} {
		s.Trigger = tr
		if err := s.ValidateForWindows(); !errors.Is(err, ErrNotSupportedOnWindows) || Hint(err) == "" {
			t.Errorf("%+v: %v", tr, err)
		}
	}
	s.Trigger = SystemTrigger{Type: 99}
	if err := s.ValidateForWindows(); !errors.Is(err, ErrInvalid) {
		t.Errorf("a type that is none: %v", err)
	}
	s.Trigger, s.Queue = ApplicationTrigger{}, 3
	if err := s.ValidateForWindows(); !errors.Is(err, ErrNotSupportedOnWindows) {
		t.Errorf("a queue: %v", err)
	}
}

// TestWindowsRows: what is refused says what to do instead.
func TestWindowsRows(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range append(WindowsOptions(), WindowsOperations()...) {
		if seen[row.What] || row.How == "" || strings.HasSuffix(row.How, ".") || !row.Done && row.Hint == "" {
			t.Errorf("%+v", row)
		}
		seen[row.What] = true
		if err := NotOnWindows(row.What, "a"); !errors.Is(err, ErrNotSupported) {
			t.Error(err)
		}
	}
}

func TestCheckFreshness(t *testing.T) {
	lax := Policy{MinFreshness: time.Second}
	tests := []struct {
		trigger Trigger
		policy  Policy
		refused bool
	}{
		{TimeTrigger{Freshness: time.Minute}, Policy{}, false},
		{TimeTrigger{Freshness: time.Minute - 1}, Policy{}, true},
		{MaintenanceTrigger{Freshness: 10 * time.Second}, Policy{}, true},
		{TimeTrigger{Freshness: 10 * time.Second}, lax, false},
		{TimeTrigger{Freshness: time.Second - 1}, lax, true},
		{CalendarTrigger{Expr: "* * * * *"}, Policy{MinFreshness: time.Hour}, false},
		{ApplicationTrigger{}, Policy{}, false},
	}
	for _, tt := range tests {
		if err := CheckFreshness(tt.trigger, tt.policy); (err != nil) != tt.refused {
			t.Errorf("%+v under %v: %v", tt.trigger, tt.policy.MinFreshness, err)
		} else if tt.refused && (!errors.Is(err, ErrInvalid) || Hint(err) == "") {
			t.Errorf("%v: %+v", err, err)
		}
	}
}

func manyPaths(n int) []string {
	paths := make([]string, n)
	for i := range paths {
		paths[i] = "/" + strings.Repeat("p", i+1)
	}
	return paths
}

func manyProperties(n int) map[string]string {
	m := map[string]string{}
	for _, p := range manyPaths(n) {
		m[p] = ""
	}
	return m
}
