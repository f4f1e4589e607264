package task

// SystemTriggerRow describes a system trigger type.
type SystemTriggerRow struct {
	Type      SystemTriggerType
	Name      string                // WinRT's
	Word      string                // on the command line: bgtask add --on WORD; "" when refused
	Fact      string                // the fact whose edge fires it; "" when it is not a fact's
	Edge      func(a, b Value) bool // between two known, different values; nil: any change
	Supported bool
	Why       string // why it is refused, or what stands behind it
}

func from(a, b Value) func(x, y Value) bool {
	return func(x, y Value) bool { return x == a && y == b }
}

var systemTriggers = enumerate("SystemTriggerType", "system trigger type", []SystemTriggerRow{
	{OnSmsReceived, "SmsReceived", "", "", nil, false, "no modem service is read on this platform"},
	{OnUserPresent, "UserPresent", "user-present", FactUser, from(Away, Present), true, "the session's idle and lock hints"},
	{OnUserAway, "UserAway", "user-away", FactUser, from(Present, Away), true, "the session's idle and lock hints"},
	{OnNetworkStateChange, "NetworkStateChange", "network", FactNetwork, nil, true, "any change of the network: connection, cost, connectivity"},
	{OnControlChannelReset, "ControlChannelReset", "", "", nil, false, "control channels exist on Windows only"},
	{OnInternetAvailable, "InternetAvailable", "internet", FactInternet, from(No, Yes), true, "the internet became reachable"},
	{OnSessionConnected, "SessionConnected", "session", FactSession, from(Disconnected, Connected), true, "a session of the user became active"},
	{OnServicingComplete, "ServicingComplete", "", "", nil, true, "the package was updated"},
	{OnLockScreenApplicationAdded, "LockScreenApplicationAdded", "", "", nil, false, "there are no lock screen applications on this platform"},
	{OnLockScreenApplicationRemoved, "LockScreenApplicationRemoved", "", "", nil, false, "there are no lock screen applications on this platform"},
	{OnTimeZoneChange, "TimeZoneChange", "time-zone", FactTimeZone, nil, true, "the offset from UTC changed"},
	{OnOnlineIdConnectedStateChange, "OnlineIdConnectedStateChange", "", "", nil, false, "there is no Microsoft account on this platform"},
	{OnBackgroundWorkCostChange, "BackgroundWorkCostChange", "work-cost", FactWorkCost, nil, true, "the cost of background work changed: AC, battery, display"},
	{OnPowerStateChange, "PowerStateChange", "power", FactPower, nil, true, "the battery's state changed"},
	{OnDefaultSignInAccountChange, "DefaultSignInAccountChange", "", "", nil, false, "there is no sign-in account on this platform"},
}, func(r *SystemTriggerRow) (SystemTriggerType, string) { return r.Type, r.Name })

// SystemTriggerTypes is the table of the system triggers, in the order of their
// numbers, which may have gaps.
func SystemTriggerTypes() []SystemTriggerRow { return systemTriggers.rows }

// ParseSystemTriggerType finds a type by WinRT's name or by its command-line word.
func ParseSystemTriggerType(s string) (SystemTriggerType, error) {
	for _, row := range SystemTriggerTypes() {
		if row.Word == s && s != "" {
			return row.Type, nil
		}
	}
	return systemTriggers.parse(s)
}

// Row returns the type's row; false when there is no such type.
func (t SystemTriggerType) Row() (SystemTriggerRow, bool) { return systemTriggers.lookup(t) }

// Fires says whether the change of the type's fact from a to b is its edge. Both
// have to be known: unknown is not no.
func (t SystemTriggerType) Fires(a, b Value) bool {
	row, ok := t.Row()
	if !ok || !a.Known() || !b.Known() || a == b {
		return false
	}
	return row.Edge == nil || row.Edge(a, b)
}
