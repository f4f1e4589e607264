package task

// WindowsRow is something of bgtask, and what becomes of it where the broker is
// Windows' own.
type WindowsRow struct {
	What string
	Done bool   // it is there; How says what is different
	How  string // a sentence without a full stop
	Hint string // what to do instead
	set  func(Spec) bool
}

// windowsOptions are those of a registration that Windows does not have.
var windowsOptions = []WindowsRow{
	{"OrUnknown", false, "Windows decides what an unknown condition means", "leave it out there", hasOrUnknown},
	{"Retry", false, "Windows makes no further attempt: the next firing is the next run", "leave it out there", func(s Spec) bool { return s.Retry != RetryPolicy{} }},
	{"Misfire", false, "Windows says nothing of missed instants", "leave it out there", func(s Spec) bool { return s.Misfire != Misfire{} }},
	{"Hold", false, "Windows holds a firing until its conditions hold", "leave it out there", func(s Spec) bool { return s.Hold != Hold{} }},
	{"Queue", false, "Windows joins firings", "leave it out there", func(s Spec) bool { return s.Queue != 0 }},
	{"Exclusive", false, "registrations on Windows run concurrently", "take a lock in Run there", func(s Spec) bool { return s.Exclusive != "" }},
	{"RunLimit", false, "the limits of Windows cannot be chosen", "leave it out there, or end Run yourself", func(s Spec) bool { return s.RunLimit != 0 }},
	{"Command", false, "a task of Windows is a class", "use the Task Scheduler there", func(s Spec) bool { return s.Command != nil }},
}

// windowsOperations are those of the SDK that are different on Windows, or not
// there.
var windowsOperations = []WindowsRow{
	{What: "Builder.Ensure", Done: true, How: "an unchanged task is not touched, so its timer goes on; a changed one is registered anew and gets another TaskID"},
	{What: "Registration.Spec", Done: true, How: "read from the application's local folder: Windows returns the name only"},
	{What: "Registration.Request", Done: true, How: "of an ApplicationTrigger, if Windows accepts one; the number is 0, and no other task can be fired by hand",
		Hint: "only a task with an ApplicationTrigger can be asked to run there"},
	{What: "Registration.State", Done: true, How: "running, or waiting: Windows does not say for what"},
	{What: "Registration.LastRun", Done: true, How: "of the runs that this application made, from its local folder"},
	{What: "Registration.History", Done: true, How: "the same; the last 100 runs of a task are kept"},
	{What: "Client.Watch", Done: true, How: "from now on: snapshots, progress and ends of runs, while the application is open; a cursor cannot be given", Hint: `watch from "" on, and read History`},
	{What: "Client.Facts", Done: true, How: "the fact work-cost only"},
	{What: "Client.RequestAccess", Done: true, How: "Windows' own answer"},
	{What: "Client.LocalFolder", Done: true, How: "ApplicationData.Current.LocalFolder"},
	{What: "Instance.Occurrence", Done: true, How: "counted by the application: Windows numbers no firings. Its times are those of the run's begin"},
	{What: "Instance.Attempt", Done: true, How: "always 1: each run of Windows is a new firing"},
	{What: "Instance.SaveCheckpoint", Done: true, How: "kept in the local folder for the next run of the task, until one completes or fails"},
	{What: "Instance.TriggerDetails", Done: true, How: "those of ApplicationTrigger and PushNotificationTrigger; nil for the others, which have none on Windows"},
	{What: "Class.SingleUse", Done: true, How: "REGCLS_SINGLEUSE"},
	{What: "Server.Suspended", Done: true, How: "CoSuspendClassObjects, CoResumeClassObjects"},
	{What: "Retry(err)", Done: true, How: "recorded; Windows makes no further attempt, and the next firing is the next run"},
	{What: "Launched", Done: true, How: "the flag -Embedding, which COM appends; it is taken out of os.Args"},
	{What: "Registration.Cancel", How: "Windows cancels a run when its registration is removed, not otherwise", Hint: "Unregister(ctx, true) cancels it with Abort"},
	{What: "Registration.Resume", How: "Windows suspends no registration", Hint: "there is nothing to resume"},
	{What: "Registration.Why", How: "Windows does not say why a task does not run", Hint: "the event log Microsoft-Windows-BackgroundTaskInfrastructure may show it; its channel must be enabled"},
	{What: "Client.Raise", How: "Windows has no way to raise the application's own events", Hint: "do the work in the application there"},
	{What: "Client.ShowToast", How: "the application shows its notifications itself, with Windows.UI.Notifications", Hint: "use ToastNotificationManager there"},
	{What: "Client.HideToast", How: "the application hides its notifications itself, with Windows.UI.Notifications", Hint: "use ToastNotificationManager there"},
	{What: "Registration.PushChannel", How: "a channel of Windows' is the application's, not the task's", Hint: "use PushNotificationChannelManager there"},
	{What: "Instance.Listener", How: "Windows hands a socket over in another way", Hint: "serve the socket in the application there"},
}

// WindowsOptions is the table of the options of a registration that Windows does
// not have.
func WindowsOptions() []WindowsRow { return windowsOptions }

// WindowsOperations is the table of what of the SDK is different on Windows, or not
// there.
func WindowsOperations() []WindowsRow { return windowsOperations }

// NotOnWindows refuses an operation of the table, with its sentence.
func NotOnWindows(what, subject string) error {
	for _, row := range windowsOperations {
		if row.What == what {
			return &Error{Op: what, Subject: subject, Err: ErrNotSupportedOnWindows, Detail: row.How, Hint: row.Hint}
		}
	}
	return &Error{Op: what, Subject: subject, Err: ErrNotSupportedOnWindows}
}
