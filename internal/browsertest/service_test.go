package browsertest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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

var stampede = regexp.MustCompile(`: (\d+) quer.* with aside, .*; (\d+) quer`)

// wantStampede sends one, which the database is to feel only without aside.
func wantStampede(t *testing.T, p *Page) {
	t.Helper()
	said := do(p, "[data-do=stampede]", "Stampede")
	m := stampede.FindStringSubmatch(said)
	if m == nil {
		t.Fatal(said)
	}
	aside, _ := strconv.Atoi(m[1]) // the pattern has digits alone
	plain, _ := strconv.Atoi(m[2])
	if aside == 0 || aside > 10 || plain <= aside { // 1, where Redis answers in time
		t.Error(said)
	}
}

// The page of the service shows what its buttons do.
func TestService(t *testing.T) {
	address := startService(t)
	for _, tt := range []struct {
		name string
		test func(t *testing.T, p *Page)
	}{
		{"charts", testCharts},
		{"stampede", wantStampede},
		{"change", testChange},
		{"freeze", testFreeze},
		{"stop", testStop},
		{"database", testSlowDatabase},
		{"instance", testSecondInstance},
		{"rate", testRate},
		{"reader", testReader},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, Open(t, address)) })
	}
}

func testCharts(_ *testing.T, p *Page) {
	for _, chart := range []string{"requests", "p99", "queries", "hits"} {
		for _, of := range []string{"aside", "plain"} {
			p.Wait(line(chart, of) + ".split('L').length > 3")
		}
	}
	before := Eval[string](p, line("requests", "aside"))
	p.Wait(fmt.Sprintf("%s !== %q", line("requests", "aside"), before))
}

func testChange(t *testing.T, p *Page) {
	if said := do(p, "[data-do=change]", "changes"); !strings.Contains(said, "With aside 0 of ") {
		t.Error(said)
	}
	if n := Eval[int](p, cell("stale", 0)); n != 0 {
		t.Errorf("%d stale reads with aside", n)
	}
	p.FullScreenshot("service-light")
}

func testFreeze(_ *testing.T, p *Page) {
	do(p, "[data-to=frozen]", "frozen")
	p.WaitText("#breaker", "open")
	p.Wait(value("requests", "aside") + " > 50 && " + value("requests", "plain") + " < 20")
	p.Wait("document.querySelector('[data-to=frozen]').ariaPressed === 'true'")
	p.Wait(value("p99", "plain") + " > 3000") // they wait, and the page says for how long
	p.FullScreenshot("service-frozen")
	do(p, "[data-to=up]", "again")
	p.WaitText("#breaker", "closed")
	p.WaitText("#near", "Redis tells")
	p.Wait(value("requests", "plain") + " > 50")
}

func testStop(_ *testing.T, p *Page) {
	do(p, "[data-to=stopped]", "stopped")
	p.WaitText("#breaker", "open")
	p.WaitText("#redis", "stopped")
	do(p, "[data-to=up]", "again")
	p.WaitText("#breaker", "closed")
}

func testSlowDatabase(t *testing.T, p *Page) {
	do(p, "#slow", "300 ms")
	p.WaitText("#database", "300 ms")
	wantStampede(t, p)
	do(p, "#slow", "20 ms")
	p.WaitText("#database", "20 ms")
}

func testSecondInstance(t *testing.T, p *Page) {
	do(p, "#second", "A second instance")
	p.WaitText("#instances", "2")
	wantStampede(t, p)
	do(p, "[data-do=change]", "changes")
	p.Dark(true)
	p.CheckContrast()
	p.FullScreenshot("service-dark")
	do(p, "#second", "shut down")
	p.WaitText("#instances", "1")
}

func testRate(_ *testing.T, p *Page) {
	Eval[bool](p, "(r => { r.value = '500'; return r.dispatchEvent(new Event('change')) })(document.querySelector('#rate'))")
	p.WaitText("#latest", "500 requests")
	p.Wait(value("requests", "aside") + " > 250")
}

func testReader(t *testing.T, p *Page) {
	p.WaitText("#instances", "1") // all is drawn
	p.CheckNames()
	order := p.TabOrder()
	if len(order) != 13 || order[0].Name != "Send a stampede" || order[5].ID != "slow" || order[7].ID != "rate" {
		t.Errorf("%+v", order)
	}
	p.CheckContrast()
	p.CheckWidth()
	p.Size(375, 800)
	p.CheckWidth()
	p.FullScreenshot("service-phone")
}
