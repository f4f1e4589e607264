package primes

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/bgtask/bgtask"
)

const maxPrimeNumber, queueDepthToWrite = 1_000_000_000, 10

// LogFile is where SampleTask writes, in the package's LocalFolder, below a folder
// with the name of the process.
const LogFile = "numbersQueue.log"

// SampleTask writes primes to LocalFolder/<process name>/numbersQueue.log until it
// is canceled.
type SampleTask struct{}

// Run implements bgtask.Task. It looks at its context before every number, so it
// stops within microseconds of a cancel.
func (SampleTask) Run(ctx context.Context, instance *bgtask.Instance) (err error) {
	file, err := createLog(instance.LocalFolder()) // a new file a run: a repeated run repeats nothing
	if err != nil {
		return err
	}
	queue := bufio.NewWriter(file) // it keeps the first error, and Flush returns it
	defer func() { err = errors.Join(err, queue.Flush(), file.Close()) }()
	var primes []int // those up to the square root of the largest are enough to divide by
	for n, count := 2, uint32(0); n <= maxPrimeNumber; n++ {
		if ctx.Err() != nil {
			return context.Cause(ctx) // the reason: the outcome will be Canceled(reason)
		}
		if !isPrime(n, primes) {
			continue
		}
		if n <= maxPrimeNumber/n {
			primes = append(primes, n)
		}
		if count > 0 {
			_, _ = queue.WriteString(", ") // Flush returns the error
		}
		_, _ = queue.WriteString(strconv.Itoa(n))
		if count++; count%queueDepthToWrite == 0 {
			if err := queue.Flush(); err != nil {
				return err
			}
			instance.SetProgress(count)
		}
	}
	return nil
}

// isPrime divides n by all primes up to its square root.
func isPrime(n int, primes []int) bool {
	for _, p := range primes {
		if p*p > n {
			break
		}
		if n%p == 0 {
			return false
		}
	}
	return true
}

func createLog(folder string) (*os.File, error) {
	dir := filepath.Join(folder, filepath.Base(os.Args[0]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(dir, LogFile))
}
