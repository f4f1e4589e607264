package task

import "fmt"

// CancellationReason is why a run is canceled: WinRT's
// BackgroundTaskCancellationReason, with its numbers. It is an error, and the
// cause of a canceled run's context.
type CancellationReason uint32

// Cancellation reasons, with WinRT's numbers. QuietHoursEntered is never sent; IdleTask,
// ResourceRevocation and EnergySaver are sent by policies only.
const (
	ReasonAbort                 CancellationReason = 0  // the user or the application asked for it
	ReasonTerminating           CancellationReason = 1  // the system or the hosting process is ending
	ReasonLoggingOff            CancellationReason = 2  // the user's last session ends
	ReasonServicingUpdate       CancellationReason = 3  // the package is being updated
	ReasonIdleTask              CancellationReason = 4  // it holds a deferral and does nothing
	ReasonUninstall             CancellationReason = 5  // the package is being removed
	ReasonConditionLoss         CancellationReason = 6  // a condition no longer holds
	ReasonSystemPolicy          CancellationReason = 7  // access was withdrawn
	ReasonQuietHoursEntered     CancellationReason = 8  // never sent here
	ReasonExecutionTimeExceeded CancellationReason = 9  // over the run limit
	ReasonResourceRevocation    CancellationReason = 10 // the system is short of resources
	ReasonEnergySaver           CancellationReason = 11 // energy saver went on
)

// ReasonRow describes a cancellation reason.
type ReasonRow struct {
	Reason  CancellationReason
	Name    string // WinRT's, or ours in its style
	Windows bool   // Windows has it
	Sent    string // when a run is canceled for it, a phrase without a full stop
}

var reasons = enumerate("CancellationReason", "cancellation reason", []ReasonRow{
	{ReasonAbort, "Abort", true, "`bgtask cancel`, `Unregister(true)`, and a MaintenanceTrigger whose AC is lost"},
	{ReasonTerminating, "Terminating", true, "shutdown, `bgtask daemon stop`, or its process is being ended"},
	{ReasonLoggingOff, "LoggingOff", true, "the last session of a user without lingering ends"},
	{ReasonServicingUpdate, "ServicingUpdate", true, "the package is being updated"},
	{ReasonIdleTask, "IdleTask", true, "a policy asks for it; none does by default"},
	{ReasonUninstall, "Uninstall", true, "the package is being removed"},
	{ReasonConditionLoss, "ConditionLoss", true, "a condition fails during the run, with CancelOnConditionLoss; the work is held again, where Windows loses it"},
	{ReasonSystemPolicy, "SystemPolicy", true, "access was withdrawn"},
	{ReasonQuietHoursEntered, "QuietHoursEntered", true, "never"},
	{ReasonExecutionTimeExceeded, "ExecutionTimeExceeded", true, "the run is over its limit"},
	{ReasonResourceRevocation, "ResourceRevocation", true, "a policy asks for it; none does by default"},
	{ReasonEnergySaver, "EnergySaver", true, "a policy asks for it; none does by default"},
}, func(r *ReasonRow) (CancellationReason, string) { return r.Reason, r.Name })

// Reasons is the table of the cancellation reasons, in the order of their numbers.
func Reasons() []ReasonRow { return reasons.rows }

// Row returns the reason's row; false when there is no such reason.
func (r CancellationReason) Row() (ReasonRow, bool) { return reasons.lookup(r) }

// String is WinRT's name: "ConditionLoss".
func (r CancellationReason) String() string { return reasons.name(r) }

// Error makes a reason usable as the cause of a context.
func (r CancellationReason) Error() string { return "canceled: " + r.String() }

// ParseReason finds a reason by WinRT's name.
func ParseReason(s string) (CancellationReason, error) { return reasons.parse(s) }

func nameOf(names []string, i int, kind string) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("%s(%d)", kind, i)
	}
	return names[i]
}

func indexOf(names []string, s, kind string) (int, error) {
	for i, n := range names {
		if n == s && n != "" {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w: there is no %s %q", ErrInvalid, kind, clip(s, 64))
}
