// Package sdk is the back door of package bgtask for its test kit, which gives a
// Client a broker in memory.
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
)
