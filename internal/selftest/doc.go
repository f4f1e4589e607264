// Package selftest tries out a platform's background tasks through the SDK alone
// and reports its findings: whether this process has a package, which triggers
// are accepted, whether a task runs in the open application, whether it is
// canceled with its reason, and whether the platform launches it.
//
// It is for users who have a real system and can send back the output. It assumes
// nothing that only one platform promises: a refusal is a finding too.
package selftest
