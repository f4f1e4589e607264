package task

// PushChannel is where an application's server sends push messages to.
type PushChannel struct {
	// Endpoint is the URL that messages are posted to: at most 64 KiB each, and of
	// most distributors 4 KiB. Who knows it can send, so give it to the
	// application's server only. It can change: ask for it at each start.
	Endpoint string
	// Distributor brings the messages: its name on the bus.
	Distributor string
}
