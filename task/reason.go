package task

import "fmt"

// CancellationReason says why a run is told to stop: WinRT's
// BackgroundTaskCancellationReason, with its numbers. It is an error, and the
// cause of a canceled run's context.
type CancellationReason uint32

// The reasons. QuietHoursEntered is never sent here; IdleTask,
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

var reasonNames = [...]string{
	"Abort", "Terminating", "LoggingOff", "ServicingUpdate", "IdleTask", "Uninstall", "ConditionLoss",
	"SystemPolicy", "QuietHoursEntered", "ExecutionTimeExceeded", "ResourceRevocation", "EnergySaver",
}

// Reasons lists all twelve in the order of their numbers.
func Reasons() []CancellationReason {
	all := make([]CancellationReason, len(reasonNames))
	for i := range all {
		all[i] = CancellationReason(i)
	}
	return all
}

// String is WinRT's name: "ConditionLoss".
func (r CancellationReason) String() string {
	return nameOf(reasonNames[:], int(r), "CancellationReason")
}

// Error makes a reason usable as the cause of a context.
func (r CancellationReason) Error() string { return "canceled: " + r.String() }

// ParseReason finds a reason by WinRT's name.
func ParseReason(s string) (CancellationReason, error) {
	i, err := indexOf(reasonNames[:], s, "cancellation reason")
	return CancellationReason(i), err
}

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
	return 0, fmt.Errorf("%w: %q is not a %s", ErrInvalid, clip(s, 64), kind)
}
