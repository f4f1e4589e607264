// Package machine tests bgtask on a real machine: a Debian 13 in systemd-nspawn,
// booted by the test, with systemd, logind, networkd, timedate1 and a service
// manager of its user. Nothing is played: the causes are loginctl, timedatectl,
// systemctl and a cable that the test pulls, and they judge what bgtask says. It
// has tests only.
//
// The image is made once by debootstrap, and kept in the user's cache
// (image_test.go). Each test boots an overlay of its own (boot_test.go), with a
// network whose far end is in the test's hand, and leaves nothing behind. The
// program is the static binary, set up by bgtask setup.
//
// Needs root and the Debian packages debootstrap and systemd-container.
package machine
