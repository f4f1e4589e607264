package task

import "time"

// Limits and defaults: section 10 of the contract. Going over one is refused,
// never clamped.
const (
	MaxName            = 256       // bytes of a name, a group id, a fact name, an event id
	MaxConditions      = 16        // per registration
	MaxQueue           = 1000      // Queue(n)
	MaxRunAll          = 100       // RunAll(n)
	MaxPayload         = 64 << 10  // arguments, payload, checkpoint
	MaxPending         = 16 << 20  // payloads pending per package
	MaxPendingAll      = 256 << 20 // and in all
	MaxErrorText       = 4 << 10
	MaxStderrTail      = 8 << 10
	MaxMessage         = 1 << 20
	MaxFacts           = 4096
	MaxFactValue       = 1 << 10
	MaxPath            = 4095    // bytes, as the kernel's PATH_MAX without the NUL
	MaxExpression      = 1 << 10 // bytes of a calendar expression
	MaxProperties      = 64      // of a DeviceWatcherTrigger
	MaxToastBody       = 8 << 10
	MaxToastActions    = 5
	MaxToasts          = 20   // shown at once per package; as on Windows, the oldest goes
	MaxAttempts        = 1000 // of a RetryPolicy
	MaxWatchedPaths    = 64
	MaxChangedPaths    = 1000
	MaxCommandLine     = 128 << 10
	MaxEnvironment     = 64 << 10
	MaxManifest        = 1 << 20
	MaxRegistrations   = 1_000_000
	MaxPerPackage      = 10_000
	MaxHosts           = 64 // per package
	MaxClasses         = 64 // per host
	MaxConnections     = 1024
	MaxWatchers        = 16 // per connection
	MaxInbox           = 4096
	MaxWatchBuffer     = 1024
	MaxEventsPerCommit = 1024
	MaxTouched         = 1000 // registrations per step
	MaxRequests        = 100_000
	MaxProgressRate    = 10 // updates a second per run
	StartsByEdges      = 10 // a minute
	FaultsToSuspend    = 5
)

// Times. Elapsed time counts sleep, awake time does not.
const (
	LateBy           = 60 * time.Second // to be a misfire
	CatchUpSettle    = 10 * time.Second
	CatchUpSpread    = 30 * time.Second
	ContentSettle    = 2 * time.Second // that watched paths must be quiet, by default
	LossDelay        = 3 * time.Second
	SettleFirst      = 30 * time.Second
	SettleMost       = time.Hour
	RateWindow       = time.Minute
	SocketRateWindow = 2 * time.Second // for StartsByEdges connections
	SourceGrace      = 10 * time.Second
	StartTimeout     = 120 * time.Second // awake
	AnswerTimeout    = 10 * time.Second  // awake
	CancelGrace      = 5 * time.Second   // awake
	KillDelay        = 5 * time.Second   // awake; SIGTERM to SIGKILL
	KillGrace        = 5 * time.Second   // awake; SIGKILL to Unresponsive
	LingerTime       = 10 * time.Second
	BackoffFirst     = 10 * time.Second
	BackoffFactor    = 4
	BackoffMost      = time.Hour
	DefaultAttempts  = 5
	ProbeEvery       = 24 * time.Hour
	AdoptionWindow   = 30 * time.Second // awake
	ReconnectAtMost  = 5 * time.Second
	RequestsKept     = 24 * time.Hour
	WindowsFreshness = 15 * time.Minute
	MinBackoff       = time.Second               // least delay that a RetryPolicy may ask for
	MaxInterval      = 50 * 365 * 24 * time.Hour // of any duration of a registration
)

// Policy is what the user's configuration decides. Zero fields are the defaults.
type Policy struct {
	MinFreshness   time.Duration // 1 min; at least 1 s
	DefaultAccess  AccessStatus  // AllowedSubjectToSystemPolicy
	RunsAtOnce     int           // 32
	RunsPerPackage int           // 8
	Launches       int           // 8 in flight
	RunLimit       time.Duration // 0: none
	StartTimeout   time.Duration // StartTimeout
	CancelGrace    time.Duration // CancelGrace
}

// WithDefaults fills the zero fields.
func (p Policy) WithDefaults() Policy {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	num := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	def(&p.MinFreshness, time.Minute)
	def(&p.StartTimeout, StartTimeout)
	def(&p.CancelGrace, CancelGrace)
	num(&p.RunsAtOnce, 32)
	num(&p.RunsPerPackage, 8)
	num(&p.Launches, 8)
	if p.DefaultAccess == AccessUnspecified {
		p.DefaultAccess = AllowedSubjectToSystemPolicy
	}
	return p
}
