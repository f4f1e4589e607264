package broker

// broker is the shell: what all its parts share.
type broker struct {
	inbox    *inbox
	requests *requests
	over     chan struct{} // closed when the loop has ended
}
