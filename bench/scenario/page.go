package scenario

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/report"
)

// Page runs scenarios, all of them where only is empty, and returns the report. An
// error of one ends the run.
func Page(ctx context.Context, l *Lab, only []string) (*report.Page, error) {
	for _, name := range only {
		if !slices.ContainsFunc(All(), func(s Scenario) bool { return s.Name == name }) {
			return nil, fmt.Errorf("no scenario is called %q: there are %s", name, strings.Join(Names(), ", "))
		}
	}
	began := time.Now()
	p := &report.Page{Title: "aside: the comparison"}
	for _, s := range All() {
		if len(only) > 0 && !slices.Contains(only, s.Name) {
			continue
		}
		at := time.Now()
		section, err := s.Run(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
		}
		p.Sections = append(p.Sections, section)
		l.Progress("%s: done in %.1f s", s.Name, time.Since(at).Seconds())
	}
	p.Facts = l.facts(began)
	p.Text = l.text()
	return p, nil
}

// Names returns the names of all scenarios.
func Names() []string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return names
}

// facts is the table of what the figures depend on.
func (l *Lab) facts(began time.Time) report.Table {
	t := report.Table{Head: []string{"", "this run"}}
	t.Add("date", began.UTC().Format(time.DateOnly))
	t.Add("duration", time.Since(began).Round(time.Second).String())
	t.Add("machine", fmt.Sprintf("%s, %d cores for contenders and servers together, %s/%s", cpu(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH))
	t.Add("Go", runtime.Version())
	t.Add("server", l.Server.Version)
	for _, other := range l.Others {
		t.Add("other server", other.Version)
	}
	plan := l.plan(1)
	t.Add("rounds, turns", fmt.Sprintf("%d rounds, turns of %v (%v with 1,024 callers)", plan.Rounds, plan.Turn, l.plan(1024).Turn))
	t.Add("noise", fmt.Sprintf("%.1f %%: the widest distance of quartiles that the controls had", 100*l.Noise))
	for _, module := range contender.Modules() {
		t.Add(module, contender.Version(module))
	}
	return t
}

func (l *Lab) text() string {
	var b strings.Builder
	if l.Quick {
		b.WriteString("**This was a quick run: a few rounds on small data show that everything works, and no more. Do not quote its figures.**\n\n")
	}
	b.WriteString("All contenders of a table ran in one process, against one server on the same machine, in short turns whose order rotated; ratios are taken within a round. " +
		"A control is the first contender a second time: a difference smaller than the control's is none. Trust ratios and counts more than times.\n\n")
	b.WriteString("Not measured, because their modules could not be fetched from the module proxy when this comparison was made: " + strings.Join(contender.Unmeasured, ", ") + ".\n\nThe contenders:\n")
	for _, s := range contender.All() {
		fmt.Fprintf(&b, "\n- %s: `%s`; %s", s.Name, s.Module, s.Note)
	}
	return b.String()
}

// cpu returns the name of the processor, as far as the system tells.
func cpu() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "an unknown processor"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, model, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return "an unknown processor"
}
