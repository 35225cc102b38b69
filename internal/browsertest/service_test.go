package browsertest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startService builds and starts examples/service, as go run does, and returns the address of
// its page.
func startService(t *testing.T) string {
	t.Helper()
	started(t) // without a browser nothing has to be built
	program := filepath.Join(t.TempDir(), "service")
	if out, err := exec.Command("go", "build", "-C", "../../examples/service", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	service := exec.Command(program)
	service.Env = append(os.Environ(), "REDIS_URL=", "DATABASE_URL=")
	var log strings.Builder
	service.Stderr = &log
	out, err := service.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	t.Cleanup(func() {
		_ = service.Process.Signal(os.Interrupt)
		for lines.Scan() { // until it has ended
		}
		if err := service.Wait(); err != nil {
			t.Errorf("the service ends with %v:\n%s", err, log.String())
		}
	})
	for lines.Scan() {
		if _, page, ok := strings.Cut(lines.Text(), "the page is at "); ok {
			return page
		}
	}
	t.Fatalf("the service does not say where its page is:\n%s", log.String())
	return ""
}

// cell is what the page's table says of a service: aside is 0, plain 1.
func cell(row string, of int) string {
	return fmt.Sprintf("parseInt(document.querySelectorAll('[data-row=%s] td')[%d].textContent.replace(/,/g, ''))", row, of)
}

// value is what a chart says that is drawn now.
func value(chart, of string) string {
	return fmt.Sprintf("parseFloat(document.querySelector('[data-chart=%s] [data-value=%s]').textContent.replace(/,/g, ''))", chart, of)
}

// line is the path of a chart.
func line(chart, of string) string {
	return fmt.Sprintf("(document.querySelector('[data-chart=%s] path.%s').getAttribute('d') ?? '')", chart, of)
}

// do clicks a button and returns what the page says of it.
func do(p *Page, selector, says string) string {
	p.t.Helper()
	p.Click(selector)
	p.Wait(fmt.Sprintf("!document.querySelector('button[aria-disabled]') && document.querySelector('#latest').innerText.includes(%q)", says))
	return p.Text("#latest")
}

// The page of the service shows what its buttons do.
func TestService(t *testing.T) {
	p := Open(t, startService(t))
	for _, chart := range []string{"requests", "p99", "queries", "hits"} {
		for _, of := range []string{"aside", "plain"} {
			p.Wait(line(chart, of) + ".split('L').length > 4")
		}
	}
	before := Eval[string](p, line("requests", "aside"))
	p.Wait(fmt.Sprintf("%s !== %q", line("requests", "aside"), before))

	t.Run("stampede", func(t *testing.T) {
		said := do(p, "[data-do=stampede]", "Stampede")
		if !strings.Contains(said, "1 query with aside") || strings.Contains(said, " 1 query without") {
			t.Error(said)
		}
	})
	t.Run("change", func(t *testing.T) {
		if said := do(p, "[data-do=change]", "changes"); !strings.Contains(said, "With aside 0 of ") {
			t.Error(said)
		}
		if n := Eval[int](p, cell("stale", 0)); n != 0 {
			t.Errorf("%d stale reads with aside", n)
		}
	})
	p.FullScreenshot("service-light")
	t.Run("freeze", func(t *testing.T) {
		do(p, "[data-to=frozen]", "frozen")
		p.WaitText("#breaker", "open")
		p.Wait(value("requests", "aside") + " > 100 && " + value("requests", "plain") + " < 20")
		p.Wait("document.querySelector('[data-to=frozen]').ariaPressed === 'true'")
		p.FullScreenshot("service-frozen")
		do(p, "[data-to=up]", "again")
		p.WaitText("#breaker", "closed")
		p.WaitText("#near", "Redis tells")
		p.Wait(value("requests", "plain") + " > 100")
	})
	t.Run("stop", func(t *testing.T) {
		do(p, "[data-to=stopped]", "stopped")
		p.WaitText("#breaker", "open")
		p.WaitText("#redis", "stopped")
		do(p, "[data-to=up]", "again")
		p.WaitText("#breaker", "closed")
	})
	t.Run("database", func(t *testing.T) {
		do(p, "#slow", "300 ms")
		p.WaitText("#database", "300 ms")
		said := do(p, "[data-do=stampede]", "Stampede")
		if !strings.Contains(said, "1 query with aside") {
			t.Error(said)
		}
		do(p, "#slow", "20 ms")
		p.WaitText("#database", "20 ms")
	})
	t.Run("second instance", func(t *testing.T) {
		do(p, "#second", "A second instance")
		p.WaitText("#instances", "2")
		if said := do(p, "[data-do=stampede]", "Stampede"); !strings.Contains(said, "1 query with aside") {
			t.Error(said)
		}
		do(p, "[data-do=change]", "changes")
		p.Dark(true)
		p.FullScreenshot("service-dark")
		p.CheckContrast()
		do(p, "#second", "shut down")
		p.WaitText("#instances", "1")
	})
	t.Run("rate", func(t *testing.T) {
		Eval[bool](p, "(r => { r.value = '500'; return r.dispatchEvent(new Event('change')) })(document.querySelector('#rate'))")
		p.WaitText("#latest", "500 requests")
		p.Wait(value("requests", "aside") + " > 350")
	})
	t.Run("reader", func(t *testing.T) {
		p.CheckNames()
		order := p.TabOrder()
		if len(order) != 13 || order[0].Name != "Send a stampede" || order[5].ID != "slow" || order[7].ID != "rate" {
			t.Errorf("%+v", order)
		}
		p.Dark(false)
		p.CheckContrast()
		p.Size(375, 800)
		p.CheckWidth()
		p.FullScreenshot("service-phone")
		p.Size(1280, 900)
		p.CheckWidth()
	})
}
