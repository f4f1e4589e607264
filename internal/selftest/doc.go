// Package selftest tries a platform's background tasks through the SDK alone, and
// writes down what it finds: whether this process has a package, which triggers
// are taken, whether a task runs in the open application, whether it is canceled
// with its reason, and whether the platform launches it.
//
// It is for somebody who has the real system and can send back what is printed. It
// assumes nothing that only one platform promises: what is refused is a finding.
package selftest
