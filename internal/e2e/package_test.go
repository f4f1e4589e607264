//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// The classes that the application serves.
var (
	manyClass   = task.MustGUID("e2e00000-0000-4000-8000-000000000001") // MultipleUse
	otherClass  = task.MustGUID("e2e00000-0000-4000-8000-000000000002") // MultipleUse, of a second server
	singleClass = task.MustGUID("e2e00000-0000-4000-8000-000000000003") // SingleUse
)

const manifestText = `<?xml version="1.0" encoding="utf-8"?>
<Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10"
  xmlns:com="http://schemas.microsoft.com/appx/manifest/com/windows10">
  <Identity Name="%[1]s" Publisher="CN=Tests" Version="1.0.0.0"/>
  <Properties><DisplayName>%[1]s</DisplayName><PublisherDisplayName>Tests</PublisherDisplayName><Logo>logo.png</Logo></Properties>
  <Applications>
    <Application Id="App" Executable="app.exe" EntryPoint="Windows.FullTrustApplication">
      <Extensions>
        <com:Extension Category="windows.comServer">
          <com:ComServer>
%[2]s          </com:ComServer>
        </com:Extension>
      </Extensions>
    </Application>
  </Applications>
</Package>
`

const serverText = `            <com:ExeServer Executable="app.exe" Arguments="%s" DisplayName="Server">
%s            </com:ExeServer>
`

// server is a class server of a package: the application with arguments.
type server struct {
	arguments string
	classes   []task.GUID
}

// install installs a package whose program is this test binary.
func (w *world) install(name string, servers ...server) task.Package {
	w.t.Helper()
	folder := w.path("packages/" + name)
	if _, err := os.Stat(folder + "/" + appName); err != nil {
		w.program(folder + "/" + appName)
	}
	var declared strings.Builder
	for _, s := range servers {
		var classes strings.Builder
		for _, class := range s.classes {
			fmt.Fprintf(&classes, "              <com:Class Id=\"%s\" DisplayName=\"class\"/>\n", class)
		}
		fmt.Fprintf(&declared, serverText, s.arguments, classes.String())
	}
	w.write("packages/"+name+"/AppxManifest.xml", fmt.Sprintf(manifestText, name, declared.String()))
	done, err := w.user.Install(w.context(), folder, client.Installing{})
	if err != nil {
		w.t.Fatal(err)
	}
	return done.Package
}

// app returns the program of a package as its user starts it. It finds no bgtask, so it
// does not start a broker: the tests decide when one runs.
func (w *world) app(p task.Package, args ...string) *exec.Cmd {
	cmd := w.command(p.Folder+"/"+appName, args...)
	cmd.Env = append(cmd.Env, client.BinaryEnv+"=")
	return cmd
}

// open starts the application of a package as its user does. It returns when the
// application is attached, which it reports with a line on its stdout.
func (w *world) open(p task.Package, args ...string) *process {
	w.t.Helper()
	return w.openCmd(w.app(p, append([]string{"open"}, args...)...))
}

// program places this test binary at path.
func (w *world) program(path string) string {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	return w.copy(self, path)
}

func (w *world) copy(from, path string) string {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Link(from, path); err == nil || errors.Is(err, os.ErrExist) {
		return path
	}
	source, err := os.Open(from)
	if err != nil {
		w.t.Fatal(err)
	}
	defer source.Close()
	target, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = io.Copy(target, source)
	if err := errors.Join(err, target.Close()); err != nil {
		w.t.Fatal(err)
	}
	return path
}
