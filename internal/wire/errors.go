package wire

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// errorTable maps the sentinels to gRPC codes, for tools that only know gRPC. The
// status's details name the exact sentinel. A status without details stands for the
// first sentinel with its code.
var errorTable = []struct {
	sentinel error
	code     codes.Code
}{
	{task.ErrInvalid, codes.InvalidArgument},
	{task.ErrNotRegistered, codes.NotFound},
	{task.ErrAccessDenied, codes.PermissionDenied},
	{task.ErrDisabledByPolicy, codes.PermissionDenied},
	{task.ErrNotSupported, codes.Unimplemented},
	{task.ErrConflict, codes.AlreadyExists},
	{task.ErrCurrentlyRunning, codes.FailedPrecondition},
	{task.ErrTriggerNotSupported, codes.FailedPrecondition},
	{task.ErrClassNotDeclared, codes.FailedPrecondition},
	{task.ErrNoPackage, codes.FailedPrecondition},
	{task.ErrLimit, codes.ResourceExhausted},
	{task.ErrQueueFull, codes.ResourceExhausted},
	{task.ErrUnavailable, codes.Unavailable},
	{task.ErrBusy, codes.Unavailable},
	{task.ErrCursorExpired, codes.OutOfRange},
	{task.ErrWatchLagged, codes.Aborted},
	{task.ErrInternal, codes.Internal},
}

// maxDetails limits the number of faults in one status.
const maxDetails = 64

// Status converts err to a gRPC error that a service can return. Nil stays nil.
func Status(err error) error {
	if err == nil {
		return nil
	}
	details := errorsTo(err)
	if len(details) == 1 && details[0].Code == task.Code(task.ErrInternal) {
		if s, ok := foreign(err); ok {
			return s.Err()
		}
	}
	s := status.New(codeOf(details[0].Code), Clip(err.Error()))
	for i, d := range details {
		if i == maxDetails {
			break
		}
		if with, err := s.WithDetails(d); err == nil {
			s = with
		}
	}
	return s.Err()
}

// foreign returns the status of an error from a context or from gRPC itself.
func foreign(err error) (*status.Status, bool) {
	if errors.Is(err, task.ErrInternal) {
		return nil, false
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return status.FromContextError(err), true
	}
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) {
		return s.GRPCStatus(), true
	}
	return nil, false
}

// Error is the inverse of Status. It returns the error of a call, in which errors.Is
// finds the sentinel. An error without an operation gets op. Nil stays nil.
func Error(op string, err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	var all []error
	for _, detail := range s.Details() {
		if d, ok := detail.(*pb.Error); ok {
			if d.GetOp() == "" {
				d.Op = op
			}
			all = append(all, errorFrom(d))
		}
	}
	switch len(all) {
	case 0:
		return bare(op, s)
	case 1:
		return all[0]
	}
	return errors.Join(all...)
}

// bare returns the error for a status without our details, which gRPC itself made.
func bare(op string, s *status.Status) error {
	switch s.Code() {
	case codes.Canceled:
		return context.Canceled
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	}
	e := &task.Error{Op: op, Err: task.ErrInternal, Detail: s.Message()}
	for _, row := range errorTable {
		if row.code == s.Code() {
			e.Err = row.sentinel
			break
		}
	}
	switch {
	case errors.Is(e.Err, task.ErrUnavailable):
		e.Hint = "'bgtask doctor' diagnoses the cause"
	case errors.Is(e.Err, task.ErrNotSupported):
		e.Hint = "use the same version of bgtask on both sides"
	}
	return e
}

func codeOf(name string) codes.Code {
	sentinel := task.Sentinel(name)
	for _, row := range errorTable {
		if errors.Is(row.sentinel, sentinel) {
			return row.code
		}
	}
	return codes.Internal
}

// errorsTo lists the faults that err joins, at least one unless it is nil.
func errorsTo(err error) []*pb.Error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*pb.Error
		for _, each := range joined.Unwrap() {
			all = append(all, errorsTo(each)...)
		}
		return all
	}
	e, ok := err.(*task.Error) //nolint:errorlint // an error that wraps one adds its own text
	if !ok {
		return []*pb.Error{{Code: task.Code(err), Detail: ownWords(err), Hint: Clip(task.Hint(err)), OldestCursor: oldest(err)}}
	}
	if inner, ok := e.Err.(interface{ Unwrap() []error }); ok && e.Detail == "" {
		all := errorsTo(inner.(error))
		for _, each := range all {
			each.Op, each.Subject = or(e.Op, each.Op), or(each.Subject, e.Subject)
		}
		return all
	}
	detail := e.Detail
	if detail == "" && e.Err != nil {
		detail = ownWords(e.Err)
	}
	return []*pb.Error{{
		Code: task.Code(err), Op: text(e.Op), Subject: Clip(e.Subject), Detail: Clip(detail), Hint: Clip(task.Hint(err)), OldestCursor: oldest(err),
	}}
}

// ownWords returns the text of err, or "" if that only repeats its sentinel.
func ownWords(err error) string {
	if s := task.Sentinel(task.Code(err)); s == err || errors.As(err, new(*task.CursorError)) { //nolint:errorlint // the sentinel itself, without words
		return ""
	}
	return Clip(err.Error())
}

func oldest(err error) string {
	var c *task.CursorError
	if errors.As(err, &c) {
		return string(c.Oldest)
	}
	return ""
}

func errorFrom(d *pb.Error) error {
	e := &task.Error{Op: d.GetOp(), Subject: d.GetSubject(), Err: task.Sentinel(d.GetCode()), Detail: d.GetDetail(), Hint: d.GetHint()}
	if e.Err == nil {
		e.Err = task.ErrInternal
	}
	if errors.Is(e.Err, task.ErrCursorExpired) {
		e.Err = &task.CursorError{Oldest: task.Cursor(d.GetOldestCursor())}
	}
	return e
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Clip makes s fit into the text of an error: valid UTF-8, at most 4 KiB.
func Clip(s string) string {
	const mark = " ..."
	s = text(s)
	if len(s) <= task.MaxErrorText {
		return s
	}
	return fmt.Sprint(strings.ToValidUTF8(s[:task.MaxErrorText-len(mark)], ""), mark)
}
