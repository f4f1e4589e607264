// Package machine tests bgtask on a real machine: a Debian 13 in systemd-nspawn, booted
// by the test, with systemd, logind, networkd, timedate1 and a user's service manager.
// Nothing is simulated: loginctl, timedatectl, systemctl and a cable that the test
// pulls cause the events, and bgtask's reports are compared with them. It has tests
// only.
//
// The image is made once by debootstrap, and kept in the user's cache (image_test.go).
// Each test boots its own overlay (boot_test.go), controls the far end of the machine's
// network, and leaves nothing behind. The program is the static binary, set up by
// bgtask setup.
//
// Needs root and the Debian packages debootstrap and systemd-container.
package machine
