package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// serveAction does what a button says, and answers with the line that the log has of it.
func (p *page) serveAction(w http.ResponseWriter, r *http.Request) {
	if !p.acting.TryLock() {
		http.Error(w, "something else is being done", http.StatusConflict)
		return
	}
	defer p.acting.Unlock()
	if p.ctx.Err() != nil {
		http.Error(w, "the demo ends", http.StatusServiceUnavailable)
		return
	}
	text, err := p.act(r.PathValue("action"), r.FormValue("to"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, p.say("%s", text))
}

func (p *page) act(action, to string) (string, error) {
	switch action {
	case "stampede":
		return p.stampede(), nil
	case "change":
		return p.change(), nil
	case "redis":
		return p.setRedis(to)
	case "database":
		return p.setDelay(to)
	case "instance":
		return p.setInstance(to)
	case "rate":
		return p.setRate(to)
	}
	return "", errors.New("there is no such action")
}

func (p *page) setRedis(to string) (string, error) {
	texts := map[string]string{
		up:      "Redis answers again.",
		frozen:  "Redis is frozen: it accepts commands and does not answer.",
		stopped: "Redis is stopped: connections are closed.",
	}
	if texts[to] == "" {
		return "", errors.New("there is no such state")
	}
	p.demo.proxy.set(to)
	return texts[to], nil
}

func (p *page) setDelay(to string) (string, error) {
	delay := map[string]time.Duration{"normal": normal, "slow": slow}[to]
	if delay == 0 {
		return "", errors.New("a database is normal or slow")
	}
	p.demo.slow(delay)
	if i := p.instance(); i != nil {
		if err := i.slow(p.ctx, p.client, delay); err != nil {
			return "", err
		}
	}
	p.mu.Lock()
	p.delay = delay
	p.mu.Unlock()
	return fmt.Sprintf("A query takes %d ms now, on average.", delay.Milliseconds()), nil
}

func (p *page) setRate(to string) (string, error) {
	rate, err := strconv.Atoi(to)
	if err != nil || rate < 0 || rate > 5000 {
		return "", errors.New("a rate is a number from 0 to 5000")
	}
	p.load.rate.Store(int64(rate))
	return fmt.Sprintf("Each service gets %d requests a second now.", rate), nil
}

func (p *page) setInstance(to string) (string, error) {
	i := p.instance()
	switch {
	case to == "start" && i == nil:
		return p.startInstance()
	case to == "stop" && i != nil:
		p.forget(i)
		return "The second instance has shut down.", nil
	}
	return "", errors.New("there is nothing to start or stop")
}

func (p *page) startInstance() (string, error) {
	program := p.demo.config.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return "", err
		}
	}
	i, err := startInstance(program, p.demo.shared)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	if err := i.slow(p.ctx, p.client, delay); err != nil {
		i.stop()
		return "", err
	}
	p.keep(i)
	return fmt.Sprintf("A second instance, process %d, gets every other request now.", i.cmd.Process.Pid), nil
}

func (p *page) keep(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.second = i
}

// forget stops an instance. It gets no further requests while it answers those that it has, and
// what it has counted still counts.
func (p *page) forget(i *instance) {
	p.keep(nil)
	p.client.CloseIdleConnections() // a server waits for those that were never used
	i.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.other.Undelivered = 0 // the entries are others' now
	p.gone.add(p.other)
	p.other = counts{}
}

const callers = 300 // of a stampede, of each service

// runs numbers what is done, so that users of a stampede are not cached yet.
var runs atomic.Int64

// stampede has many clients ask for a user that has just been changed, so that nothing is cached.
func (p *page) stampede() string {
	n := runs.Add(1)
	id := cold + 1 + n%(population-cold)
	run := strconv.FormatInt(n, 10)
	took := map[*arm]time.Duration{}
	var failed [2]int
	for i, a := range []*arm{p.aside, p.plain} { // one after the other, or they would share the processors
		_, _ = a.rename(p.ctx, p.base, id, someName(), options{always: true})
		took[a], failed[i] = p.together(a, id, run)
	}
	c := p.counts(run)
	return fmt.Sprintf("Stampede of %d clients for a user that has just been changed: "+
		"%s with aside, the slowest client waited %s; %s without, %s.", callers,
		queries(c.Aside.OfRun, failed[0]), ms(took[p.aside]),
		queries(c.Plain.OfRun, failed[1]), ms(took[p.plain]))
}

// together sends the requests of a stampede to all instances, and returns when all are answered.
func (p *page) together(a *arm, id int64, run string) (slowest time.Duration, failed int) {
	bases := p.bases()
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range callers {
		all.Go(func() {
			_, took, _, err := a.user(p.ctx, bases[i%len(bases)], id, options{run: run, always: true})
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, took)
			if err != nil {
				failed++
			}
		})
	}
	all.Wait()
	return slowest, failed
}

func queries(n, failed int) string {
	text := fmt.Sprintf("%d queries", n)
	if n == 1 {
		text = "1 query"
	}
	if failed > 0 {
		text += fmt.Sprintf(" (%d clients got an error)", failed)
	}
	return text
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

const (
	changes = 10 // of the row
	readers = 8
	after   = 500 * time.Millisecond // the readers go on when it has been changed
)

// A changing is what became of one service while a row was changed.
type changing struct {
	all, stale int   // reads
	last, read int64 // the revision that was acknowledged last, and the one that is read in the end
}

func (c changing) String() string {
	text := fmt.Sprintf("%d of %d reads were stale", c.stale, c.all)
	switch {
	case c.read == 0 || c.last == 0:
		text += ", and requests failed"
	case c.read < c.last:
		text += fmt.Sprintf(", and it still returns revision %d of %d", c.read, c.last)
	}
	return text
}

// change changes the row that is asked for most, several times, while clients read it.
func (p *page) change() string {
	var aside, plain changing
	var both sync.WaitGroup
	both.Go(func() { aside = p.changeOf(p.aside) })
	both.Go(func() { plain = p.changeOf(p.plain) })
	both.Wait()
	return fmt.Sprintf("%d changes of user 1 under %d readers. With aside %s; without, %s.",
		changes, readers, aside, plain)
}

func (p *page) changeOf(a *arm) (c changing) {
	var enough atomic.Bool
	ended := p.readers(a, &enough, &c)
	for range changes {
		if u, err := a.rename(p.ctx, p.base, 1, someName(), options{always: true}); err == nil {
			c.last = u.Revision
		}
	}
	sleep(p.ctx, after)
	enough.Store(true)
	ended.Wait()
	if u, _, _, err := a.user(p.ctx, p.base, 1, options{always: true}); err == nil {
		c.read = u.Revision
	}
	return c
}

// readers read the row until it is enough, and count.
func (p *page) readers(a *arm, enough *atomic.Bool, c *changing) *sync.WaitGroup {
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range readers {
		all.Go(func() {
			for !enough.Load() && p.ctx.Err() == nil {
				bases := p.bases()
				_, _, stale, err := a.user(p.ctx, bases[i%len(bases)], 1, options{always: true})
				mu.Lock()
				if err == nil {
					c.all++
				}
				if stale {
					c.stale++
				}
				mu.Unlock()
				sleep(p.ctx, 2*time.Millisecond)
			}
		})
	}
	return &all
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
