// Package packaging embeds the files that make the broker a service of its user. A
// distribution package installs them as they are; 'bgtask setup' installs them from
// the binary.
package packaging

import _ "embed" // the files below

// BinaryPath is the path at which the files expect the program.
const BinaryPath = "/usr/bin/bgtask"

// Service is the systemd user unit that runs the broker.
//
//go:embed systemd/user/bgtask.service
var Service string

// Socket is the systemd user unit of the socket that clients connect to.
//
//go:embed systemd/user/bgtask.socket
var Socket string

// BusService is the D-Bus activation file that lets push messages start the broker.
//
//go:embed dbus-1/services/io.github.bgtask.Broker.service
var BusService string
