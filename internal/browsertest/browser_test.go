package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

// recorder is a test that notes what it is failed for.
type recorder struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (r *recorder) Helper()                           {}
func (r *recorder) Error(args ...any)                 { r.failures = append(r.failures, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }

func (r *recorder) end() []string {
	for _, f := range r.cleanups {
		f()
	}
	return r.failures
}

func serve(t *testing.T, html string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><html lang=en><link rel=icon href='data:,'>" + html))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A page with nothing wrong fails no test; what is wrong is found.
func TestChecks(t *testing.T) {
	for _, tt := range []struct {
		name, html string
		check      func(p *Page)
		want       string // in one failure; empty: there is none
	}{
		{"a good page", "<p>text <button>b</button> <input aria-label=i>", (*Page).CheckContrast, ""},
		{"contrast of 4.5", "<p style='color:#767676'>text", (*Page).CheckContrast, ""},
		{"less", "<p style='color:#787878'>text", (*Page).CheckContrast, "contrast 4.42"},
		{"large text", "<p style='color:#787878;font-size:24px'>text", (*Page).CheckContrast, ""},
		{"half of black", "<p style='opacity:.5'>text", (*Page).CheckContrast, "contrast 3.9"},
		{"half of white behind", "<div style='background:#000'><p style='background:rgba(255,255,255,.5);color:#fff'>text</div>", (*Page).CheckContrast, "contrast 3.9"},
		{"a placeholder", "<style>::placeholder{color:#999}</style><input aria-label=i placeholder=text>", (*Page).CheckContrast, "contrast 2.85"},
		{"svg", "<svg><text y=20 fill='#999'>text</text></svg>", (*Page).CheckContrast, "contrast 2.85"},
		{"hidden", "<p>text<p hidden style='color:#eee'>text", (*Page).CheckContrast, ""},
		{"a page without text", "<p>", (*Page).CheckContrast, "no text"},

		{"a narrow page", "<p>text", (*Page).CheckWidth, ""},
		{"a wide page", "<p style='width:2000px'>text", (*Page).CheckWidth, "too wide"},

		{"names", "<button>b</button><label>l <input></label><svg role=img aria-label=x></svg>", (*Page).CheckNames, ""},
		{"a button without a name", "<button></button>", (*Page).CheckNames, "a button has no name"},
		{"a picture without a name", "<svg role=img></svg>", (*Page).CheckNames, "has no name"},

		{"a focus to be seen", "<button>b</button><a href=x>a</a>", func(p *Page) {
			if order := p.TabOrder(); len(order) != 2 || order[0].Name != "b" || order[1].Tag != "a" {
				p.t.Errorf("%+v", order)
			}
		}, ""},
		{"a focus not to be seen", "<style>*{outline:none}</style><button>b</button>", func(p *Page) { p.TabOrder() }, "has the focus"},

		{"an error", "<script>console.error('oh')</script>", nil, "oh"},
		{"a warning that is allowed", "<script>console.warn('oh')</script>", func(p *Page) { p.Allow("oh") }, ""},
		{"an exception", "<script>throw new Error('oh')</script>", nil, "oh"},
		{"another host", "<img alt=x src='http://127.0.0.2:9/x.png'>", func(p *Page) { p.Allow("browser says") }, "asks another host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{TB: t}
			p := Open(r, serve(t, tt.html))
			if tt.check != nil {
				tt.check(p)
			}
			got := r.end()
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("it fails for %q, want %q", got, tt.want)
			}
		})
	}
}

// A page is used by mouse and keyboard, and is dark for who wants that.
func TestUse(t *testing.T) {
	p := Open(t, serve(t, `<p id=said></p><input id=i aria-label=i><button>say</button>
		<script>document.querySelector("button").onclick = () => {
			setTimeout(() => { said.innerText = i.value + " " + matchMedia("(prefers-color-scheme: dark)").matches }, 10)
		}</script>`))
	p.Dark(true)
	p.Type("#i", "hello")
	p.Click("button")
	p.WaitText("#said", "hello true")
	if got := p.Text("#said"); got != "hello true" {
		t.Errorf("it says %q", got)
	}
	p.Press(Tab + Tab)
	if n := len(p.Requests()); n != 1 {
		t.Errorf("%d requests, want 1: %v", n, p.Requests())
	}
	if png := p.PNG(true); !strings.HasPrefix(string(png), "\x89PNG") {
		t.Errorf("%d bytes", len(png))
	}
}
