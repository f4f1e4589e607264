package task

import "errors"

// codes lists the names of the sentinels on the wire, in the store and in --json.
var codes = []struct {
	Err  error
	Code string
}{
	{ErrInvalid, "invalid"},
	{ErrTriggerNotSupported, "trigger_not_supported"},
	{ErrNotSupported, "not_supported"},
	{ErrClassNotDeclared, "class_not_declared"},
	{ErrNotRegistered, "not_found"},
	{ErrCurrentlyRunning, "currently_running"},
	{ErrQueueFull, "queue_full"},
	{ErrAccessDenied, "access_denied"},
	{ErrDisabledByPolicy, "disabled_by_policy"},
	{ErrNoPackage, "no_package"},
	{ErrLimit, "limit"},
	{ErrUnavailable, "unavailable"},
	{ErrBusy, "busy"},
	{ErrCursorExpired, "cursor_expired"},
	{ErrWatchLagged, "watch_lagged"},
	{ErrConflict, "conflict"},
	{ErrInternal, "internal"},
}

// Code returns the stable name of the first sentinel that err wraps: "" for nil, and
// "internal" for an error that wraps no sentinel.
func Code(err error) string {
	if err == nil {
		return ""
	}
	for _, c := range codes {
		if errors.Is(err, c.Err) {
			return c.Code
		}
	}
	return "internal"
}

// Sentinel is the inverse of Code. It returns nil for "", and ErrInternal for a code
// that this version does not know.
func Sentinel(code string) error {
	if code == "" {
		return nil
	}
	for _, c := range codes {
		if c.Code == code {
			return c.Err
		}
	}
	return ErrInternal
}

// Codes returns all codes.
func Codes() []string {
	all := make([]string, len(codes))
	for i, c := range codes {
		all[i] = c.Code
	}
	return all
}
