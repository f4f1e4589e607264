//go:build linux

package source

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"

	"github.com/bgtask/bgtask/task"
)

// pushBook is the set of push channels, stored in a file. It must survive the
// broker, because a distributor keeps delivering messages while no broker is
// running.
type pushBook struct {
	file        string
	loaded      bool
	Distributor string                    `json:"distributor"` // name on the bus
	Channels    map[task.GUID]pushChannel `json:"channels"`    // by registration
}

type pushChannel struct {
	Token    string `json:"token"` // secret shared with the distributor: anyone who has it can send
	Endpoint string `json:"endpoint,omitempty"`
}

func (b *pushBook) load() error {
	if b.loaded {
		return nil
	}
	data, err := os.ReadFile(b.file)
	if err == nil {
		err = json.Unmarshal(data, b)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refuse(task.ErrUnavailable, "cannot read the push channels: %v", "move "+b.file+" away; applications then request new channels", err)
	}
	if b.Channels == nil {
		b.Channels = map[task.GUID]pushChannel{}
	}
	b.loaded = true
	return nil
}

func (b *pushBook) save() error {
	data, err := json.Marshal(b)
	if err == nil {
		err = renameio.WriteFile(b.file, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("store the push channels: %w", err)
	}
	return nil
}

// channel returns the channel of a registration, and creates it if necessary.
func (b *pushBook) channel(id task.GUID) (pushChannel, error) {
	if c, ok := b.Channels[id]; ok {
		return c, nil
	}
	c := pushChannel{Token: rand.Text()}
	return c, b.put(id, c)
}

// put stores a channel. If that fails, the previous state stays in effect in
// memory too.
func (b *pushBook) put(id task.GUID, c pushChannel) error {
	last, there := b.Channels[id]
	b.Channels[id] = c
	err := b.save()
	switch {
	case err == nil:
	case there:
		b.Channels[id] = last
	default:
		delete(b.Channels, id)
	}
	return err
}

// owner returns the registration that has a token.
func (b *pushBook) owner(token string) (task.GUID, error) {
	for id, c := range b.Channels {
		if c.Token == token {
			return id, nil
		}
	}
	return task.GUID{}, errUnknownToken
}

// move records another distributor. The endpoints become invalid; the tokens
// stay.
func (b *pushBook) move(distributor string) error {
	b.Distributor = distributor
	for id, c := range b.Channels {
		b.Channels[id] = pushChannel{Token: c.Token}
	}
	return b.save()
}
