package packages

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/msix"
	"github.com/bgtask/bgtask/task"
)

const verifyHelp = `Verify a package file: whether it is intact, who signed it, and what is wrong.

This checks everything that 'bgtask install' and Windows check before they install
a package: the structure of the archive, every file against the block map, the
digests of the signature, the certificate, and that its subject is the publisher in
the manifest. The authorities of the system and the certificates added with 'bgtask
trust' are trusted.

The exit code is 1 if the package is refused.`

// verifyFlags are the flags of bgtask package verify.
type verifyFlags struct {
	ca, timestampCA []string
	unsigned        bool
}

func newPackageVerify(a *app) *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Verify a package file, and show who signed it",
		Long:  verifyHelp,
		Args:  verb.Exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			policy, err := f.policy()
			if err != nil {
				return err
			}
			return a.verifyPackage(c.Context(), args[0], policy)
		},
	}
	c.Flags().StringArrayVar(&f.ca, "ca", nil, "trust only the certificates in this `FILE`, PEM or DER; may be repeated")
	c.Flags().StringArrayVar(&f.timestampCA, "timestamp-ca", nil, "trust the certificates in this `FILE` to confirm times (default: the same as for packages)")
	c.Flags().BoolVar(&f.unsigned, "unsigned", false, "accept a package without a signature")
	return c
}

func (f verifyFlags) policy() (p msix.Policy, err error) {
	p.AllowUnsigned = f.unsigned
	if p.Roots, err = authorities(f.ca); err != nil || len(f.timestampCA) == 0 {
		return p, err
	}
	p.TimestampRoots, err = authorities(f.timestampCA)
	return p, err
}

// authorities reads the certificates in files. Without files, it returns those that
// 'bgtask install' trusts: the system's and the user's.
func authorities(files []string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if len(files) == 0 {
		dir, err := trustDir()
		if err != nil {
			return nil, err
		}
		trusted, err := readTrusted(dir)
		if err != nil {
			return nil, err
		}
		for _, t := range trusted {
			files = append(files, t.Path)
		}
		if system, err := x509.SystemCertPool(); err == nil { // some machines have none
			pool = system
		}
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		certificates, err := certificatesOf(data)
		if err != nil {
			return nil, &task.Error{Subject: name, Err: task.ErrInvalid, Detail: err.Error()}
		}
		for _, c := range certificates {
			pool.AddCert(c)
		}
	}
	return pool, nil
}

// verdict is the result of verifying a package.
type verdict struct {
	Path         string        `json:"path"`
	OK           bool          `json:"ok"`
	FullName     *string       `json:"full_name"`
	Files        int           `json:"files"`
	Bytes        int64         `json:"bytes"` // of the files, unpacked
	Signed       bool          `json:"signed"`
	Publisher    *string       `json:"publisher"` // who signed
	ValidUntil   *time.Time    `json:"valid_until"`
	Timestamp    *stampVerdict `json:"timestamp"`
	Problem      *term.Failure `json:"problem"`
	name, signer string
}

type stampVerdict struct {
	Time      time.Time `json:"time"`
	Authority string    `json:"authority"`
	Trusted   bool      `json:"trusted"`
}

func (a *app) verifyPackage(ctx context.Context, name string, policy msix.Policy) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	v := verdict{Path: name}
	err = v.judge(ctx, file, policy)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	v.OK = err == nil
	if err != nil {
		v.Problem = problemOf(err)
	}
	if a.JSON {
		a.Object(term.Member("verification", v))
	} else {
		a.printVerdict(v)
	}
	if err != nil {
		return term.Shown(term.ErrUnsound)
	}
	return nil
}

func (v *verdict) judge(ctx context.Context, file *os.File, policy msix.Policy) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	p, err := msix.Open(file, info.Size())
	if err != nil {
		return err
	}
	v.Signed = p.Signed()
	for _, f := range p.Files() {
		v.Files++
		v.Bytes += f.Size
	}
	m, err := p.Manifest()
	if err != nil {
		return err
	}
	v.FullName = term.OrNull(m.Identity.FullName())
	v.name = m.Identity.Name + " " + m.Identity.Version
	s, err := p.Verify(ctx, policy)
	if err != nil || s == nil {
		return err
	}
	v.Publisher, v.ValidUntil = term.OrNull(s.Publisher), term.TimeOrNull(s.Certificate.NotAfter)
	v.signer = s.Publisher
	if s.Timestamp != nil {
		v.Timestamp = &stampVerdict{s.Timestamp.Time, s.Timestamp.Authority, s.Timestamp.Trusted}
	}
	return nil
}

func problemOf(err error) *term.Failure {
	hint := task.Hint(err)
	if e := (*msix.Error)(nil); errors.As(err, &e) && e.Hint != "" {
		hint = e.Hint
	}
	return &term.Failure{Code: reasonCode(err), Message: strings.Join(term.Faults(err), "; "), Hint: term.OrNull(hint)}
}

func (a *app) printVerdict(v verdict) {
	if v.OK {
		a.Printf("%s: good\n", term.Clean(v.Path))
	} else {
		a.Printf("%s: refused\n  %s\n", term.Clean(v.Path), term.Clean(v.Problem.Message))
		if v.Problem.Hint != nil {
			a.Printf("  hint: %s\n", term.Clean(*v.Problem.Hint))
		}
	}
	if v.name != "" {
		a.Printf("  package    %s, %s, %s\n", term.Clean(v.name), term.Plural(v.Files, "file"), megabytes(v.Bytes))
	}
	switch {
	case v.signer != "":
		a.Printf("  signed by  %s; its certificate is valid until %s\n", term.Clean(v.signer), v.ValidUntil.In(a.Zone).Format(time.DateOnly))
	case v.OK:
		a.Printf("  unsigned\n")
	}
	if t := v.Timestamp; t != nil {
		note := ""
		if !t.Trusted {
			note = ", which is not trusted here"
		}
		a.Printf("  signed at  %s, according to %s%s\n", t.Time.In(a.Zone).Format(time.DateTime), term.Clean(t.Authority), note)
	}
}

// reasons are the words in the JSON output for why a package is refused.
var reasons = []struct {
	err  error
	code string
}{
	{msix.ErrFormat, "not_a_package"}, {msix.ErrTruncated, "truncated"}, {msix.ErrTrailing, "trailing_bytes"}, {msix.ErrTwoEnds, "two_ends"},
	{msix.ErrHidden, "hidden_bytes"}, {msix.ErrOverlap, "overlap"}, {msix.ErrHeader, "headers_disagree"}, {msix.ErrName, "bad_name"},
	{msix.ErrDuplicate, "duplicate"}, {msix.ErrLink, "not_a_file"}, {msix.ErrBomb, "bomb"}, {msix.ErrLimit, "limit"},
	{msix.ErrUnsupported, "unsupported"}, {msix.ErrMissing, "missing_part"}, {msix.ErrManifest, "bad_manifest"}, {msix.ErrBlockMap, "bad_block_map"},
	{msix.ErrContentTypes, "bad_content_types"}, {msix.ErrContent, "bad_content"}, {msix.ErrUnsigned, "unsigned"}, {msix.ErrSignature, "bad_signature"},
	{msix.ErrDigest, "changed"}, {msix.ErrPublisher, "wrong_publisher"}, {msix.ErrPurpose, "wrong_purpose"}, {msix.ErrValidity, "not_valid_then"},
	{msix.ErrUntrusted, "untrusted"}, {msix.ErrTimestamp, "bad_timestamp"},
}

func reasonCode(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.code
		}
	}
	return term.ErrorCode(err)
}
