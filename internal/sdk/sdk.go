// Package sdk is the back door of package bgtask for its own house: the test kit
// gives a Client a broker in memory, and the server of command tasks sees more of
// an activation, and says more of a result, than applications do.
//
// Package bgtask sets the functions when it is linked in. They take its types as
// any, since it imports this package and not the other way round.
package sdk

import (
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

var (
	// Bind makes a *bgtask.Client speak to b. Processes that serve with it were
	// launched when token is not zero.
	Bind func(c any, b client.Broker, token task.LaunchToken)

	// Spec is what a bgtask.Builder registers.
	Spec func(builder any) task.Spec

	// Activation is what a *bgtask.Instance was activated with.
	Activation func(instance any) task.Activation
)

// ResultError is an error of Run which says exactly how the run ended.
type ResultError struct{ task.Result }

// Error is the result's text.
func (e *ResultError) Error() string { return e.Text }
