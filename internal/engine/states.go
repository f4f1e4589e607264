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
	RegActive    RegState = iota // its trigger fires, unless it is a one-shot that has fired
	RegSuspended                 // too many faults, or its class is gone: firings wait, and one probe a day runs
	RegSpent                     // a one-shot whose work is done; it fires no more
	RegRemoving                  // removed, while its last run is still live
	RegGone                      // has no row any more
)

// OccState is the state of an occurrence.
type OccState uint8

// The states of an occurrence.
const (
	OccPending OccState = iota // latched: it waits for its reasons to end
	OccLive                    // has a run that has not ended
	OccEnded                   // ended once and for all
)

// RunState is the state of a run.
type RunState uint8

// The states of a run.
const (
	RunStarting     RunState = iota // admitted, and waits for an object of its class
	RunSent                         // the activation was sent to a host and not answered yet
	RunRunning                      // the host has entered Run
	RunCanceling                    // asked to stop, within its grace period
	RunUnresponsive                 // its host does not respond: the code may be running, so there is no outcome yet
	RunEnded                        // has its outcome
)

// HostState is the state of a host.
type HostState uint8

// The states of a host.
const (
	HostAttached     HostState = iota // connected, and gets activations
	HostDetached                      // its stream was lost; it has task.AdoptionWindow to come back
	HostUnresponsive                  // alive, but one of its runs does not respond
	HostLeaving                       // may exit, and is expected to
	HostEnding                        // is being ended by the broker
	HostGone                          // its process has exited
)

// ServerState is the state of a class server.
type ServerState uint8

// The states of a class server.
const (
	ServerAbsent    ServerState = iota // not launched, or its whole process tree has ended
	ServerLaunching                    // started, and has not shown a class yet
	ServerUp                           // has shown a class
	ServerEnding                       // its process tree is being ended
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
