package adding

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

// eventKind is a kind of event of --on that is not a system trigger.
type eventKind struct {
	word  string // before the ":"
	form  string // for people
	help  string
	parse func(parameter string, given bool) (task.Trigger, error)
}

// eventKinds are the kinds of events of --on beside the system triggers.
var eventKinds = []eventKind{
	{"event", "event:ID", "'bgtask raise ID' fires it", customTrigger},
	{"path", "path:PATH", "a change in a folder, or of a file", pathTrigger},
	{"device", "device:SUBSYSTEM[,NAME=VALUE]", "a device is plugged in, or removed", deviceTrigger},
	{"socket", "socket:tcp:127.0.0.1:PORT", "a connection; or socket:unix:PATH", socketTrigger},
	{"toast", "toast[:TAG]", "a click on a notification of 'bgtask toast'", toastTrigger},
	{"push", "push", "a push message; see 'bgtask push'", pushTrigger},
}

// onTrigger parses the value of --on.
func onTrigger(word string) (task.Trigger, error) {
	kind, parameter, given := strings.Cut(word, ":")
	for _, k := range eventKinds {
		if k.word == kind {
			return k.parse(parameter, given)
		}
	}
	for _, row := range task.SystemTriggerTypes() {
		switch {
		case row.Word == word:
			return task.SystemTrigger{Type: row.Type}, nil
		case row.Word == "" && means(word, row.Name) && row.Supported:
			return nil, term.Refuse(fmt.Sprintf("--on %s fires only for applications in a package: %s", word, row.Why), "a command has no package")
		case row.Word == "" && means(word, row.Name):
			return nil, cannotFire(word, row.Why)
		}
	}
	for _, row := range task.TriggerClasses() {
		if row.Support != task.Supported && means(word, strings.TrimSuffix(row.Class, "Trigger")) {
			return nil, cannotFire(word, row.Why)
		}
	}
	return nil, term.UnknownWord("--on", "event", word, triggerWords())
}

func cannotFire(word, why string) error {
	return &task.Error{Err: task.ErrTriggerNotSupported, Detail: fmt.Sprintf("--on %s cannot fire here: %s", word, why),
		Hint: "choose one of: " + strings.Join(triggerWords(), " ")}
}

// means reports whether word is the WinRT name as the command line would spell it, or the
// beginning of that: "sms" means SmsReceived.
func means(word, name string) bool {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	kebab := b.String()
	return kebab == word || strings.HasPrefix(kebab, word+"-")
}

// triggerWords are the events as completion and hints show them.
func triggerWords() []string {
	all := systemWords()
	for _, k := range eventKinds {
		all = append(all, k.form)
	}
	return all
}

func customTrigger(id string, _ bool) (task.Trigger, error) {
	if id == "" {
		return nil, term.Refuse("--on event: the id is missing", "write --on event:ID; 'bgtask raise ID' raises it")
	}
	return task.CustomSystemEventTrigger{ID: id, Recurrence: task.Always}, nil
}

// pathTrigger watches a file or folder that exists. Any other could be a slip, and would
// never fire.
func pathTrigger(dir string, _ bool) (task.Trigger, error) {
	if dir == "" {
		return nil, term.Refuse("--on path: the path is missing", "write --on path:PATH")
	}
	path, err := filepath.Abs(dir)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return nil, term.Refuse(fmt.Sprintf("--on path:%s: %v", dir, term.Cause(err)), "create it first")
	}
	return task.StorageLibraryContentChangedTrigger{Paths: []string{path}}, nil
}

// deviceTrigger parses SUBSYSTEM[,NAME=VALUE]...
func deviceTrigger(word string, _ bool) (task.Trigger, error) {
	words := strings.Split(word, ",")
	if words[0] == "" {
		return nil, term.Refuse("--on device: the subsystem is missing", "write --on device:usb; /sys/class and /sys/bus list subsystems")
	}
	t := task.DeviceWatcherTrigger{Subsystem: words[0]}
	for _, property := range words[1:] {
		name, value, ok := strings.Cut(property, "=")
		_, twice := t.Properties[name]
		switch {
		case !ok || name == "":
			return nil, term.Refuse(fmt.Sprintf("--on device:%s: %q is not NAME=VALUE", word, property), "write --on device:usb,ID_VENDOR_ID=046d; 'udevadm monitor --property' shows the properties of a device")
		case twice:
			return nil, term.Refuse(fmt.Sprintf("--on device:%s: %s is given twice", word, name), "a device has only one value of it")
		case t.Properties == nil:
			t.Properties = map[string]string{}
		}
		t.Properties[name] = value
	}
	return t, nil
}

// socketTrigger parses tcp:127.0.0.1:PORT or unix:PATH. The path may be relative.
func socketTrigger(address string, _ bool) (task.Trigger, error) {
	const shows = "write --on socket:tcp:127.0.0.1:PORT or --on socket:unix:PATH"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if path == "" {
			return nil, term.Refuse("--on socket:unix: the path is missing", shows)
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return nil, term.Refuse(fmt.Sprintf("--on socket:%s: %v", address, term.Cause(err)), shows)
		}
		return task.SocketActivityTrigger{Listen: "unix:" + path}, nil
	}
	if !strings.HasPrefix(address, "tcp:") {
		return nil, term.Refuse(fmt.Sprintf("--on socket:%s is not an address", address), shows)
	}
	return task.SocketActivityTrigger{Listen: address}, nil
}

func toastTrigger(tag string, given bool) (task.Trigger, error) {
	if given && tag == "" {
		return nil, term.Refuse("--on toast: the tag is missing", "write --on toast:TAG, or --on toast for all tags; 'bgtask toast --tag TAG' sets one")
	}
	return task.ToastNotificationActionTrigger{Tag: tag}, nil
}

func pushTrigger(parameter string, given bool) (task.Trigger, error) {
	if given {
		return nil, term.Refuse(fmt.Sprintf("--on push:%s: a push trigger has no parameter", parameter), "write --on push")
	}
	return task.PushNotificationTrigger{}, nil
}
