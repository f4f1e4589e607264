package store_test

import (
	"context"
	"testing"

	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/store/storetest"
)

type place struct{ dir string }

func (p place) Open(ctx context.Context) (storetest.Store, error) {
	return store.Open(ctx, p.dir, store.Options{})
}

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place { return place{t.TempDir()} })
}
