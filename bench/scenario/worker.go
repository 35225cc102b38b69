package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/subject"
)

// workerEnv, when set, makes this program a worker: its value is the job. Orders
// come on standard input and outcomes go to standard output, so that Redis sees
// nothing but the contender.
const workerEnv = "ASIDE_BENCH_WORKER"

// A job is what a worker is started for.
type job struct {
	Contender string
	Addr      string
	Callers   int
}

// An order is one stampede.
type order struct {
	Key   string
	Start time.Time
}

// An outcome is what a worker's callers saw of it.
type outcome struct {
	Loads     int
	Latencies []time.Duration // since the start
	Err       string
}

// Worker does what a worker has to do and returns true, if this process is one.
// Programs that run scenarios call it first of all.
func Worker() (bool, error) {
	text := os.Getenv(workerEnv)
	if text == "" {
		return false, nil
	}
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return true, err
	}
	return true, j.work(os.Stdin, os.Stdout)
}

// work carries out orders until there are no more.
func (j job) work(in io.Reader, out io.Writer) error {
	spec, ok := contender.Find(j.Contender)
	if !ok {
		return fmt.Errorf("worker: no contender is called %q", j.Contender)
	}
	c, err := spec.Open(contender.Env{Addrs: []string{j.Addr}})
	if err != nil {
		return err
	}
	defer c.Close()
	// Connections are made before the stampede, as in a service that runs.
	if _, err := c.GetOrSet(context.Background(), fmt.Sprint("warm:", os.Getpid()), always(subject.Sized(subject.Small))); err != nil {
		return err
	}
	orders, outcomes := json.NewDecoder(in), json.NewEncoder(out)
	if err := outcomes.Encode(outcome{}); err != nil { // ready
		return err
	}
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := outcomes.Encode(j.stampede(c, o)); err != nil {
			return err
		}
	}
}

// stampede lets the callers ask.
func (j job) stampede(c contender.Contender, o order) outcome {
	var loads atomic.Int64
	load := func(ctx context.Context, _ string) (subject.Account, error) {
		loads.Add(1)
		select {
		case <-time.After(loadTime):
			return subject.Sized(subject.Small), nil
		case <-ctx.Done():
			return subject.Account{}, ctx.Err()
		}
	}
	out := outcome{Latencies: make([]time.Duration, j.Callers)}
	errs := make([]error, j.Callers)
	begin := make(chan struct{})
	var done sync.WaitGroup
	for i := range j.Callers {
		done.Go(func() {
			<-begin
			_, errs[i] = c.GetOrSet(context.Background(), o.Key, load)
			out.Latencies[i] = time.Since(o.Start)
		})
	}
	time.Sleep(time.Until(o.Start))
	close(begin)
	done.Wait()
	out.Loads = int(loads.Load())
	if err := errors.Join(errs...); err != nil {
		out.Err = err.Error()
	}
	return out
}

// A worker is a process of the fleet, as its parent sees it.
type worker struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	orders   *json.Encoder
	outcomes *json.Decoder
}

// startWorker starts this program once more and waits until it is ready.
func startWorker(ctx context.Context, j job) (*worker, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &worker{cmd, in, json.NewEncoder(in), json.NewDecoder(out)}
	if _, err := w.receive(); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

func (w *worker) send(o order) error { return w.orders.Encode(o) }

func (w *worker) receive() (o outcome, err error) {
	if err = w.outcomes.Decode(&o); err == nil && o.Err != "" {
		err = errors.New(o.Err)
	}
	if err != nil {
		err = fmt.Errorf("worker: %w", err)
	}
	return o, err
}

// stop lets the worker end, which it does when there are no more orders.
func (w *worker) stop() error {
	return errors.Join(w.stdin.Close(), w.cmd.Wait())
}
