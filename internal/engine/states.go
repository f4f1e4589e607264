// The states of the five machines and every move between them: the table of SEMANTICS
// section 9, which a test reads and compares. move is the only writer of a state, so a
// move that the contract does not have cannot happen: it is a defect, and Step refuses
// the event that caused it. Every state is named after its machine: RegActive,
// OccPending, RunStarting, HostAttached, ServerUp.

package engine

import "fmt"

// RegState is the state of a registration.
type RegState uint8

// The states of a registration.
const (
	RegActive RegState = iota
	RegSuspended
	RegSpent
	RegRemoving
	RegGone
)

// OccState is the state of an occurrence.
type OccState uint8

// The states of an occurrence.
const (
	OccPending OccState = iota
	OccLive
	OccEnded
)

// RunState is the state of a run.
type RunState uint8

// The states of a run.
const (
	RunStarting RunState = iota
	RunSent
	RunRunning
	RunCanceling
	RunUnresponsive
	RunEnded
)

// HostState is the state of a host.
type HostState uint8

// The states of a host.
const (
	HostAttached HostState = iota
	HostDetached
	HostUnresponsive
	HostLeaving
	HostEnding
	HostGone
)

// ServerState is the state of a class server.
type ServerState uint8

// The states of a class server.
const (
	ServerAbsent ServerState = iota
	ServerLaunching
	ServerUp
	ServerEnding
)

var (
	regNames    = []string{"Active", "Suspended", "Spent", "Removing", "gone"}
	occNames    = []string{"Pending", "Live", "Ended"}
	runNames    = []string{"Starting", "Sent", "Running", "Canceling", "Unresponsive", "Ended"}
	hostNames   = []string{"Attached", "Detached", "Unresponsive", "Leaving", "Ending", "Gone"}
	serverNames = []string{"Absent", "Launching", "Up", "Ending"}
)

func (s RegState) String() string    { return stateName(regNames, int(s)) }
func (s OccState) String() string    { return stateName(occNames, int(s)) }
func (s RunState) String() string    { return stateName(runNames, int(s)) }
func (s HostState) String() string   { return stateName(hostNames, int(s)) }
func (s ServerState) String() string { return stateName(serverNames, int(s)) }

func stateName(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprint(i)
}

// The moves of SEMANTICS section 9. Any other move is a defect.
var (
	regMoves = [][]RegState{
		RegActive:    {RegSuspended, RegSpent, RegRemoving},
		RegSuspended: {RegActive, RegRemoving},
		RegSpent:     {RegActive, RegRemoving},
		RegRemoving:  {RegGone},
		RegGone:      {},
	}
	occMoves = [][]OccState{
		OccPending: {OccLive, OccEnded},
		OccLive:    {OccPending, OccEnded},
		OccEnded:   {},
	}
	runMoves = [][]RunState{
		RunStarting:     {RunSent, RunEnded},
		RunSent:         {RunRunning, RunStarting, RunCanceling, RunUnresponsive, RunEnded},
		RunRunning:      {RunCanceling, RunUnresponsive, RunEnded},
		RunCanceling:    {RunEnded, RunUnresponsive},
		RunUnresponsive: {RunRunning, RunCanceling, RunEnded},
		RunEnded:        {},
	}
	hostMoves = [][]HostState{
		HostAttached:     {HostDetached, HostLeaving, HostUnresponsive, HostEnding, HostGone},
		HostDetached:     {HostAttached, HostEnding, HostUnresponsive, HostGone},
		HostUnresponsive: {HostAttached, HostEnding, HostGone},
		HostLeaving:      {HostGone, HostUnresponsive},
		HostEnding:       {HostGone, HostUnresponsive},
		HostGone:         {},
	}
	serverMoves = [][]ServerState{
		ServerAbsent:    {ServerLaunching},
		ServerLaunching: {ServerUp, ServerEnding, ServerAbsent},
		ServerUp:        {ServerEnding, ServerAbsent},
		ServerEnding:    {ServerAbsent},
	}
)

// defect is a broken invariant. Step recovers it and returns it as Output.Defect.
type defect struct{ text string }

func (d defect) Error() string { return "engine: defect: " + d.text }

// defectOf returns the recovered defect, or nil if nothing was recovered. It panics
// again with anything that is not a defect.
func defectOf(recovered any) error {
	switch d := recovered.(type) {
	case nil:
		return nil
	case defect:
		return d
	}
	panic(recovered)
}

// moved is called for every move. Only tests set it, to see which moves were made.
var moved func(from, to fmt.Stringer)

// move changes *s to the state to, if the table has that move, and panics with a defect
// otherwise.
func move[S interface {
	~uint8
	fmt.Stringer
}](s *S, to S, moves [][]S, of string) {
	for _, next := range moves[*s] {
		if next == to {
			if moved != nil {
				moved(*s, to)
			}
			*s = to
			return
		}
	}
	panic(defect{fmt.Sprintf("%s: cannot move from %v to %v", of, *s, to)})
}
