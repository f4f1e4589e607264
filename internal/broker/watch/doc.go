// Package watch keeps the watches of registrations: files, listening sockets, devices,
// toasts and push messages. Package source has a watcher for each kind; this package
// gives each watcher what the registrations want, and the engine what the watchers saw.
//
// Here "watch" always means such a watch. What follows the broker's events is a
// subscriber (package loop), and what reports the end of a process follows it (package
// launches).
//
// A listening socket is lent to the run that asks for it, over a socket beside the
// broker's (Lender). The broker never accepts, so no connection can be lost on the way.
package watch
