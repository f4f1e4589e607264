package packages

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/declaration"
	program "github.com/bgtask/bgtask/internal/describe"
	"github.com/bgtask/bgtask/manifest"
)

const manifestBuildHelp = `Make the folder of a package from its bgtask.toml: the AppxManifest.xml, the
program, built or copied, the logos and the other files. 'bgtask install' accepts
the folder.

If the program runs on this machine, it is started without arguments and once as
each class server, to describe itself: the SDK reports which tasks it registers and
which classes it serves. A class that the manifest does not declare is an error,
because it would never be started. --no-run skips this check.

With --xml, only the manifest is written.`

// buildFlags are the flags of bgtask manifest build.
type buildFlags struct {
	out, platform, xml, arch string
	noRun                    bool
	limit                    time.Duration
}

func newManifestBuild(a *app) *cobra.Command {
	var f buildFlags
	c := &cobra.Command{
		Use:   "build [WHAT]",
		Short: "Make the folder of a package from its bgtask.toml",
		Long:  manifestBuildHelp,
		Args:  verb.Between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			what := "."
			if len(args) == 1 {
				what = args[0]
			}
			d, err := declaration.Load(what)
			if err != nil {
				return err
			}
			if f.xml != "" {
				return a.buildXML(c, d, f)
			}
			return a.buildFolder(c, d, f)
		},
	}
	here := declaration.Here()
	c.Flags().StringVarP(&f.out, "out", "o", "package", "the `FOLDER` to make; it must be empty or not exist")
	c.Flags().StringVar(&f.platform, "platform", here.String(), "build for this `SYSTEM`: linux/amd64, windows/arm64")
	c.Flags().StringVar(&f.xml, "xml", "", "write only the manifest, to this `FILE`; - is standard output")
	c.Flags().StringVar(&f.arch, "arch", here.Arch, "with --xml: for this `PROCESSOR`, as Go names it, or neutral")
	c.Flags().BoolVar(&f.noRun, "no-run", false, "do not start the program to check its classes")
	c.Flags().DurationVar(&f.limit, "timeout", program.TimeLimit, "how long the program may take to describe itself, each time")
	c.MarkFlagsMutuallyExclusive("xml", "out")
	c.MarkFlagsMutuallyExclusive("xml", "platform")
	return c
}

func (a *app) buildXML(c *cobra.Command, d *declaration.Declaration, f buildFlags) error {
	if declaration.Architecture(f.arch) == "" {
		return verb.Usage(c, fmt.Sprintf("--arch: %q is not amd64, arm64, 386, arm or neutral", f.arch))
	}
	text, err := d.Manifest(f.arch).Marshal()
	if err != nil {
		return err
	}
	if f.xml == "-" {
		_, err = a.Stdout.Write(text)
		return err
	}
	if err := os.WriteFile(f.xml, text, 0o644); err != nil {
		return err
	}
	if a.JSON {
		a.Object(term.Member("manifest", f.xml), term.Member("family", d.Manifest(f.arch).Identity.FamilyName()))
		return nil
	}
	a.Printf("%s: %s\n", term.Clean(f.xml), d.Manifest(f.arch).Identity.FullName())
	return nil
}

func (a *app) buildFolder(c *cobra.Command, d *declaration.Declaration, f buildFlags) error {
	platform, err := declaration.ParsePlatform(f.platform)
	if err != nil {
		return verb.Usage(c, "--platform: "+err.Error())
	}
	if err := d.Stage(c.Context(), platform, f.out); err != nil {
		return err
	}
	text, err := folderManifest(f.out)
	if err != nil {
		return err
	}
	m, found := manifest.Check(manifest.FileName, text.data, manifest.Options{Files: text.files, Linux: platform.OS == "linux"})
	if !f.noRun && m != nil && platform == declaration.Here() {
		classes, err := compareClasses(c.Context(), d, f.out, m, f.limit)
		if err != nil {
			return err
		}
		found = append(found, classes...)
	}
	if !manifest.Sound(found) {
		return errors.Join(a.printFound(text.name, found), os.RemoveAll(f.out)) // it must not be shipped
	}
	a.printBuilt(m, f.out, platform, found)
	return nil
}

func (a *app) printBuilt(m *manifest.Manifest, dir string, platform declaration.Platform, found []manifest.Finding) {
	if a.JSON {
		a.Object(term.Member("folder", dir), term.Member("platform", platform.String()), term.Member("family", m.Identity.FamilyName()),
			term.Member("full_name", m.Identity.FullName()), term.Member("findings", findingsOf(found)))
		return
	}
	a.Printf("%s: %s, for %v\n", term.Clean(dir), m.Identity.FullName(), platform)
	for _, f := range found {
		if f.Severity == manifest.Warning {
			a.Warn("%s: %s", f.Place(manifest.FileName), f.Message)
		}
	}
}
