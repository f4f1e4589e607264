package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/bgtask/bgtask"
)

// source is the URL of the quotation service.
var source = "https://api.github.com/zen"

// maxQuote is longer than any quotation worth reading.
const maxQuote = 4 << 10

// fetch stores a quotation in quote.txt in the application's folder. If the service
// does not answer, fetch asks for another attempt.
func fetch(ctx context.Context, instance *bgtask.Instance) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return bgtask.Retry(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return bgtask.Retry(fmt.Errorf("%s answers %s", source, response.Status))
	}
	quote, err := io.ReadAll(io.LimitReader(response.Body, maxQuote))
	if err != nil {
		return bgtask.Retry(err)
	}
	return os.WriteFile(filepath.Join(instance.LocalFolder(), "quote.txt"), append(quote, '\n'), 0o600)
}
