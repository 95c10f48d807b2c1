"""The web page of the admin port in a real browser. Usage: web_page.py BINARY (TIDEGATE_SCREENSHOTS=FOLDER keeps pictures)"""
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from browser import CHROMIUM, Browser  # noqa: E402
from gateway import free_port, get, main  # noqa: E402

BROKEN = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: broken}
spec:
  parentRefs: [{name: g}]
  hostnames: [broken.example.com]
  rules:
    - backendRefs: [{name: nowhere, port: 80}]
"""


def prepared(gateway):
    gateway.backend()
    gateway.service("gone", free_port())
    gateway.write("gateway.yaml", gateway.gateway_yaml(f"    - {{name: second, protocol: HTTP, port: {free_port()}, hostname: '*.example.org'}}\n"))
    gateway.route("    - matches: [{path: {value: /api}, headers: [{name: x-version, value: '2'}]}]\n      backendRefs: [{name: echo, port: 80}]\n"
                  "    - backendRefs: [{name: echo, port: 80}]\n", name="shop", hostnames="www.example.com")
    gateway.route("    - backendRefs: [{name: gone, port: 80}]\n", name="down", hostnames="down.example.com")
    gateway.write("health.yaml", """apiVersion: gateway.kgateway.dev/v1alpha1
kind: BackendConfigPolicy
metadata: {name: checked}
spec:
  targetRefs: [{group: '', kind: Service, name: gone}]
  healthCheck: {interval: 1s, timeout: 500ms, unhealthyThreshold: 1, healthyThreshold: 1, http: {path: /}}
""")
    gateway.write("broken.yaml", BROKEN)
    gateway.start()
    browser = Browser()
    gateway.backends.append(browser)
    tab = browser.tab()
    gateway.page = f"http://127.0.0.1:{gateway.admin}/"
    return tab


def opened(gateway, width=1280, height=900, **more):
    tab = prepared(gateway)
    tab.screen(width, height, **more)
    tab.open(gateway.page)
    tab.wait("document.querySelectorAll('#route-table tbody tr').length >= 3 && document.querySelectorAll('#backend-table tbody tr').length >= 2"
             " && document.querySelector('#problem-list li') !== null", "the page shows what there is")
    return tab


def text(tab, selector):
    return tab.value(f"document.querySelector({selector!r}).innerText")


class Traffic:
    """Requests as long as the block lasts."""

    def __init__(self, gateway):
        self.gateway, self.over = gateway, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.is_set():
            get(self.gateway.port, "/", "www.example.com")
            get(self.gateway.port, "/", "unknown.example.com")

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def everything_there_is_is_shown(gateway):
    tab = opened(gateway)
    gateways = text(tab, "#gateway-table")
    assert "default/g" in gateways and str(gateway.port) in gateways and "*.example.org" in gateways and "second" in gateways, gateways
    routes = text(tab, "#route-table")
    assert "default/shop" in routes and "www.example.com" in routes and "shop.yaml" in routes and "default/broken" in routes, routes
    tab.wait("document.querySelector('#backend-table').innerText.includes('failed')", "a failed health check shows")
    backends = text(tab, "#backend-table")
    assert "kube_default_echo_80" in backends and "healthy" in backends and "kube_default_gone_80" in backends, backends
    problems = text(tab, "#problem-list")
    assert "broken.yaml:8" in problems and "nowhere" in problems, problems
    assert "LIVE" in text(tab, "#state")
    tab.picture("desktop-light")


def live_figures_change(gateway):
    tab = opened(gateway)
    rate = "parseFloat(document.querySelector('#figures .figure b').innerText.replace(/[^0-9.]/g, ''))"
    assert tab.value(rate) == 0, text(tab, "#figures")
    with Traffic(gateway):
        tab.wait(rate + " > 10", "requests a second show")
        tab.wait("[...document.querySelectorAll('#backend-table tbody tr')].some(r => r.innerText.includes('echo') && /[1-9]/.test(r.cells[4].innerText))",
                 "a backend's traffic shows")
        tab.wait("document.querySelectorAll('#figures .figure').length >= 7", "all figures show")
        tab.wait("document.querySelector('#figures polyline').getAttribute('points').split(' ').length > 4", "a line grows")
        tab.picture("desktop-traffic")
    tab.wait(rate + " === 0", "they fall again")


def changes_of_the_configuration_show(gateway):
    tab = opened(gateway)
    gateway.write("broken.yaml", BROKEN.replace("nowhere", "echo"))
    tab.wait("!document.querySelector('#problem-list').innerText.includes('nowhere')", "the problem is gone")
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n", name="fresh", hostnames="fresh.example.com")
    tab.wait("document.querySelector('#route-table').innerText.includes('default/fresh')", "a new route shows")


def explain_is_asked_by_keyboard_alone(gateway):
    tab = opened(gateway)
    visited = []
    for _ in range(60):
        tab.press_tab()
        here = tab.value("document.activeElement.name || document.activeElement.innerText || document.activeElement.id")
        visited.append(here)
        assert tab.value("getComputedStyle(document.activeElement).outlineStyle") != "none", here  # it shows where one is
        if here == "url":
            break
    assert visited[0] == "Skip to content" and visited[-1] == "url", visited
    tab.type(f"http://www.example.com:{gateway.port}/api/cart")
    for field in ("gateway", "", "headers"):
        tab.press_tab()
        if tab.value("document.activeElement.name") == "headers":
            break
    tab.type("x-version: 2")
    while tab.value("document.activeElement.name") != "url":
        tab.call("Input.dispatchKeyEvent", type="rawKeyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9, modifiers=8)
        tab.call("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab", windowsVirtualKeyCode=9, modifiers=8)
    tab.press_enter()
    tab.wait("document.querySelector('#answer').innerText.includes('shop')", "the answer shows")
    answer = text(tab, "#answer")
    assert "shop.yaml" in answer and "kube_default_echo_80" in answer, answer
    tab.picture("explain")


def routes_are_filtered_as_one_types(gateway):
    tab = opened(gateway)
    tab.value("document.querySelector('#route-filter').focus()")
    tab.type("down.example")
    tab.wait("document.querySelectorAll('#route-table tbody tr').length === 1", "one route is left")
    assert "default/down" in text(tab, "#route-table")


def a_phone_shows_it_without_scrolling_sideways(gateway):
    for width in (320, 390):
        tab = opened(gateway, width, 844, mobile=True) if width == 320 else tab
        tab.screen(width, 844, mobile=True)
        wide = tab.value("""[...document.querySelectorAll('body *')].filter(e => {
            const box = e.getBoundingClientRect();
            return box.width > 0 && (box.right > innerWidth + 1 || (e.matches('.scroll') && e.scrollWidth > e.clientWidth));
        }).map(e => e.tagName + '#' + e.id + '.' + e.className)""")
        assert not wide, (width, wide)
        assert tab.value("document.documentElement.scrollWidth <= innerWidth"), width
        # A row is a card that names its cells.
        assert tab.value("[...document.querySelectorAll('td')].every(e => e.dataset.name && e.getAttribute('role') === 'cell')")
        small = tab.value("""[...document.querySelectorAll('button, input, select')].filter(e => e.getBoundingClientRect().height < 32).map(e => e.outerHTML)""")
        assert not small, small  # a finger meets them
        tab.picture(f"phone-{width}")


def light_and_dark_are_readable(gateway):
    contrast = """(() => {
        const parts = c => c.match(/[\\d.]+/g).map(Number);
        const light = c => { const [r, g, b] = parts(c).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
        const back = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (parts(c)[3] !== 0) return c; } return 'rgb(255, 255, 255)'; };
        const out = [];
        for (const e of document.querySelectorAll('h1, h2, p, td, th, a, label, .tag, .soft, b, button, pre, li')) {
            if (!e.innerText || !e.innerText.trim() || e.getBoundingClientRect().left < 0) continue;
            const a = light(getComputedStyle(e).color), b = light(back(e)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            if (ratio < 4.5) out.push(e.tagName + '.' + e.className + ' ' + e.innerText.slice(0, 20) + ' ' + ratio.toFixed(2));
        }
        return out;
    })()"""
    tab = opened(gateway)
    back = "getComputedStyle(document.body).backgroundColor"
    light = tab.value(back)
    assert not tab.value(contrast), tab.value(contrast)
    tab.screen(1280, 900, dark=True)
    assert tab.value(back) != light
    assert not tab.value(contrast), tab.value(contrast)
    tab.picture("desktop-dark")
    tab.screen(390, 844, dark=True, mobile=True)
    tab.picture("phone-dark")


def it_asks_nobody_else_and_complains_of_nothing(gateway):
    tab = opened(gateway)
    with Traffic(gateway):
        tab.wait("document.querySelectorAll('#links a').length > 20", "the pages are linked")
        before = len(tab.requests())
        tab.wait(lambda: len(tab.requests()) > before + 8, "it goes on asking")
    outside = [url for url in tab.requests() if not url.startswith((gateway.page, "data:"))]
    assert not outside, outside
    assert not tab.complaints(), tab.complaints()
    # Everything has a name for who hears the page.
    unnamed = tab.value("""[...document.querySelectorAll('button, input, select, textarea, a, [tabindex]')].filter(e =>
        !(e.innerText || '').trim() && !e.labels?.length && !e.getAttribute('aria-label')).map(e => e.outerHTML)""")
    assert not unnamed, unnamed


TESTS = [everything_there_is_is_shown, live_figures_change, changes_of_the_configuration_show, explain_is_asked_by_keyboard_alone,
         routes_are_filtered_as_one_types, a_phone_shows_it_without_scrolling_sideways, light_and_dark_are_readable,
         it_asks_nobody_else_and_complains_of_nothing]

if __name__ == "__main__":
    if not CHROMIUM:
        print("SKIP all: chromium is not on the PATH (Debian: chromium)", flush=True)
        print("PASS nothing to do", flush=True)
        sys.exit(0)
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
