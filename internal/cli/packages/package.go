package packages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/declaration"
	"github.com/bgtask/bgtask/msix"
	"github.com/bgtask/bgtask/task"
)

const packageHelp = `Make .msix packages of a program, for Windows and for Linux.

WHAT is a bgtask.toml, the folder it is in, or a folder with an AppxManifest.xml
and all other files of the package. It defaults to the current folder.

From a bgtask.toml, one package is made for each processor. It works on both
systems: it holds the Windows program NAME.exe and the Linux program NAME. The
programs are built without cgo, or are those that the declaration names. A program
that runs here is started to describe itself, as with 'bgtask manifest build'; a
class that the manifest does not declare is an error. Windows installs the package,
and so does 'bgtask install'.

Windows installs only signed packages. The subject of the certificate must be the
publisher in the manifest; 'bgtask package cert' makes a certificate for tests. The
times in the package are SOURCE_DATE_EPOCH, or 1980, so that the same input makes the
same bytes.`

// packageFlags are the flags of bgtask package.
type packageFlags struct {
	out       string
	platforms []string
	folder    bool
	noRun     bool
	signing   signingFlags
}

func newPackage(a *app) *cobra.Command {
	var f packageFlags
	c := &cobra.Command{
		Use:   "package [WHAT]",
		Short: "Make .msix packages of a program, for Windows and for Linux",
		Long:  packageHelp,
		Args:  verb.Between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			what := "."
			if len(args) == 1 {
				what = args[0]
			}
			return packageError(a.makePackages(c, what, f))
		},
	}
	c.Flags().StringVarP(&f.out, "out", "o", "", "the package `FILE` to make, or a folder for several (default: the current folder)")
	c.Flags().StringSliceVar(&f.platforms, "platform", nil, "make it for these `SYSTEMS`, such as windows/arm64,linux/arm64 (default: both, for amd64 and arm64)")
	c.Flags().BoolVar(&f.folder, "folder", false, "make folders instead, which 'bgtask install' accepts, too")
	c.Flags().BoolVar(&f.noRun, "no-run", false, "do not start the program to check its classes")
	f.signing.add(c)
	c.AddCommand(newPackageVerify(a), newPackageCert(a))
	return c
}

// signingFlags are the flags that say who signs.
type signingFlags struct {
	certificate, key, pfx, password, timestamp string
}

func (f *signingFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.certificate, "cert", "", "sign with the certificate in this PEM `FILE`, which may contain its chain")
	c.Flags().StringVar(&f.key, "key", "", "the key of --cert, a PEM `FILE` (default: the file of --cert)")
	c.Flags().StringVar(&f.pfx, "pfx", "", "sign with the key and certificate in this .pfx `FILE`")
	c.Flags().StringVar(&f.password, "password-file", "", "read the password of --pfx from the first line of this `FILE`")
	c.Flags().StringVar(&f.timestamp, "timestamp", "", "the `URL` of an authority (RFC 3161) that confirms the time of the signature")
	c.MarkFlagsMutuallyExclusive("cert", "pfx")
}

// signer reads the key and certificate; nil if the package is not signed.
func (f *signingFlags) signer(c *cobra.Command) (s *msix.Signer, err error) {
	switch {
	case f.key != "" && f.certificate == "":
		return nil, verb.Usage(c, "--key needs --cert")
	case f.password != "" && f.pfx == "":
		return nil, verb.Usage(c, "--password-file needs --pfx")
	case f.timestamp != "" && f.certificate == "" && f.pfx == "":
		return nil, verb.Usage(c, "--timestamp needs --cert or --pfx")
	case f.certificate == "" && f.pfx == "":
		return nil, nil
	case f.pfx != "":
		s, err = f.fromPFX()
	default:
		s, err = f.fromPEM()
	}
	if err != nil {
		return nil, err
	}
	s.TimestampURL = f.timestamp
	return s, nil
}

func (f *signingFlags) fromPEM() (*msix.Signer, error) {
	certificate, err := os.ReadFile(f.certificate)
	if err != nil {
		return nil, err
	}
	name := f.certificate
	key := certificate
	if f.key != "" {
		name = f.key
		if key, err = os.ReadFile(f.key); err != nil {
			return nil, err
		}
	}
	s, err := msix.LoadPEM(certificate, key)
	return s, subjectOf(name, err)
}

func (f *signingFlags) fromPFX() (*msix.Signer, error) {
	data, err := os.ReadFile(f.pfx)
	if err != nil {
		return nil, err
	}
	password := ""
	if f.password != "" {
		if password, err = firstLine(f.password); err != nil {
			return nil, err
		}
	}
	s, err := msix.LoadPFX(data, password)
	return s, subjectOf(f.pfx, err)
}

// subjectOf puts the name of the file into an error of package msix.
func subjectOf(name string, err error) error {
	var e *msix.Error
	if !errors.As(err, &e) {
		return err
	}
	return &task.Error{Subject: name, Err: err, Detail: err.Error(), Hint: e.Hint}
}

// packageError turns errors of package msix into ones with a hint and an exit code.
func packageError(err error) error {
	var e *msix.Error
	if err == nil || task.Hint(err) != "" || !errors.As(err, &e) {
		return err
	}
	return &task.Error{Op: "package", Err: err, Detail: err.Error(), Hint: e.Hint}
}

// epoch returns the time for the files in a package: SOURCE_DATE_EPOCH, or zero.
func epoch() (time.Time, error) {
	v := os.Getenv("SOURCE_DATE_EPOCH")
	if v == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(v, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, term.Refuse(fmt.Sprintf("SOURCE_DATE_EPOCH=%q is not a number of seconds since 1970", v), "unset it, or set it to the output of: git log -1 --format=%ct")
	}
	return time.Unix(seconds, 0), nil
}

// architectureOf is the processor of a package, and its platforms.
type architectureOf struct {
	arch      string
	platforms []declaration.Platform
}

// byProcessor groups platforms into packages, one for each processor.
func byProcessor(c *cobra.Command, d *declaration.Declaration, names []string) ([]architectureOf, error) {
	if len(names) == 0 {
		names = defaultPlatforms(d)
	}
	var groups []architectureOf
	seen := map[declaration.Platform]bool{}
	for _, name := range names {
		p, err := declaration.ParsePlatform(name)
		if err != nil {
			return nil, verb.Usage(c, "--platform: "+err.Error()+"; use a platform such as windows/amd64 or linux/arm64")
		}
		if seen[p] {
			continue
		}
		seen[p] = true
		i := 0
		for i < len(groups) && groups[i].arch != p.Arch {
			i++
		}
		if i == len(groups) {
			groups = append(groups, architectureOf{arch: p.Arch})
		}
		groups[i].platforms = append(groups[i].platforms, p)
	}
	return groups, nil
}

// defaultPlatforms returns the platforms of the programs that are already built, or all
// common ones of Windows 11 and Linux.
func defaultPlatforms(d *declaration.Declaration) (names []string) {
	for _, arch := range []string{"amd64", "arm64"} {
		for _, system := range []string{"windows", "linux"} {
			name := system + "/" + arch
			if _, made := d.Programs[name]; made || len(d.Programs) == 0 {
				names = append(names, name)
			}
		}
	}
	for _, arch := range []string{"386", "arm"} {
		for _, system := range []string{"windows", "linux"} {
			if _, made := d.Programs[system+"/"+arch]; made {
				names = append(names, system+"/"+arch)
			}
		}
	}
	return names
}

// stage makes the folder of a package, with the programs of all its platforms.
func stage(ctx context.Context, d *declaration.Declaration, g architectureOf, dir string) error {
	if err := d.Stage(ctx, g.platforms[0], dir); err != nil {
		return err
	}
	for _, p := range g.platforms[1:] {
		if err := d.MakeProgram(ctx, p, filepath.Join(dir, d.ExecutableFor(p))); err != nil {
			return err
		}
	}
	return nil
}
