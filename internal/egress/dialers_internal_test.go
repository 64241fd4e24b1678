//go:build linux

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// ways are the names with which Go calls somebody, asks for a name, or could send anywhere, by package.
func ways() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"net":                          regexp.MustCompile(`^(Dial.*|Lookup.*|.*Resolver|Resolve.*Addr|ListenPacket|ListenUDP|ListenIP|ListenMulticastUDP)$`),
		"net/http":                     regexp.MustCompile(`^(Get|Post|Head|PostForm|Client|DefaultClient|Transport|DefaultTransport)$`),
		"net/smtp":                     regexp.MustCompile(`.`),
		"net/rpc":                      regexp.MustCompile(`.`),
		"log/syslog":                   regexp.MustCompile(`.`),
		"crypto/tls":                   regexp.MustCompile(`^Dial.*$`),
		"syscall":                      regexp.MustCompile(`^(Connect|Sendto|Sendmsg.*|Socket)$`),
		"golang.org/x/sys/unix":        regexp.MustCompile(`^(Connect|Sendto|Sendmsg.*|Socket)$`),
		"github.com/coder/websocket":   regexp.MustCompile(`^Dial.*$`),
		"golang.org/x/net/proxy":       regexp.MustCompile(`.`),
		"golang.org/x/net/websocket":   regexp.MustCompile(`^Dial.*$`),
		"github.com/miekg/dns":         regexp.MustCompile(`^(Client|Exchange.*|Dial.*|Conn)$`),
		"github.com/gorilla/websocket": regexp.MustCompile(`^(Dial.*|DefaultDialer|NewClient)$`),
	}
}

// allowed are the few places of the hub that use one, by folder, with what keeps it at home.
func allowed() map[string]map[string]string {
	const (
		group = "mDNS: sends to its group, and answers who asked from the home network"
		byNet = "is given a connection that device.Net made"
		other = "the app and the commands, which call the hub; nothing in the hub uses it"
	)
	return map[string]map[string]string{
		"hub/keeper": {
			"net.Dialer":    "the one dialer: it refuses what is outside the home",
			"net.ListenUDP": "asks the groups of the home network, and hears the home only",
		},
		"accessories/buttplug": {"http.Client": byNet, "http.Transport": byNet, "websocket.Dial": byNet, "websocket.DialOptions": byNet},
		"accessories/onvif":    {"http.Client": byNet, "http.Transport": byNet},
		"accessories/rtsp": {
			"net.ListenUDP":      "talks with the very address that device.Net connected to",
			"net.ResolveUDPAddr": "of a port of our own, in numbers",
		},
		"hub/announce":        {"net.ListenUDP": group, "unix.Socket": "asks the kernel about its links"},
		"hub/api/client":      {"http.Client": other, "http.Transport": other, "net.Dialer": other, "tls.Dialer": other},
		"hub/api/client/near": {"net.ListenUDP": other},
		"hub/api/server":      {"net.DialTimeout": "asks whether the socket in its folder is served"},
		"hub/homekit/camera": {
			"net.DialUDP":   "sends nothing: the kernel says which of our addresses leads to a viewer",
			"net.ListenUDP": "pictures go to a viewer at home only",
		},
		"hub/label/probe": {"net.Dialer": "knocks at addresses at home that the household gave and agreed to; only Permit makes one"},
		"hub":             {"http.DefaultClient": "the demo asks its own simulators, on this machine"},
	}
}

// TestOnlyOneDialerLeadsOut reads all that runs inside the hub.
func TestOnlyOneDialerLeadsOut(t *testing.T) {
	found, allowed, ways := map[string]map[string]bool{}, allowed(), ways()
	for _, top := range []string{"hub", "accessories", "storage"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if beside(d.Name()) {
					return filepath.SkipDir
				}
				return nil
			}
			if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return nil
			}
			folder, err := filepath.Rel(root, filepath.Dir(file))
			if err != nil {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, way := range used(f, ways) {
				if found[folder] == nil {
					found[folder] = map[string]bool{}
				}
				if found[folder][way] = true; allowed[folder][way] == "" {
					t.Errorf("%s uses %s: whatever calls somebody does it by device.Net; what keeps this at home?", file, way)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for folder, list := range allowed {
		for way := range list {
			if !found[folder][way] {
				t.Errorf("%s does not use %s any more", folder, way)
			}
		}
	}
}

// beside says whether a folder holds no part of the hub: simulators, measurements, and what tests are made of.
func beside(folder string) bool {
	return slices.Contains([]string{"sim", "bench", "benchbridge", "devicetest", "haptest", "apitest", "fakebluez", "testdata", "vaulttest", "formattest"}, folder)
}

// used gives the ways that a file uses, as "package.Name".
func used(f *ast.File, ways map[string]*regexp.Regexp) []string {
	names := map[string]*regexp.Regexp{}
	short := map[string]string{}
	for _, i := range f.Imports {
		full, err := strconv.Unquote(i.Path.Value)
		if pattern := ways[full]; err == nil && pattern != nil {
			name := path.Base(full)
			if i.Name != nil {
				name = i.Name.Name
			}
			names[name], short[name] = pattern, path.Base(full)
		}
	}
	var list []string
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && names[x.Name] != nil && names[x.Name].MatchString(s.Sel.Name) {
			list = append(list, short[x.Name]+"."+s.Sel.Name)
		}
		return true
	})
	return list
}

// TestDialersAreSeen plants what must be found.
func TestDialersAreSeen(t *testing.T) {
	for text, want := range map[string]string{
		`import "net"; func f() { net.Dial("tcp", "x") }`:                    "net.Dial",
		`import n "net"; var d n.Dialer`:                                     "net.Dialer",
		`import "net/http"; func f() { http.Get("x") }`:                      "http.Get",
		`import "net"; func f() { net.DefaultResolver.LookupHost(nil, "") }`: "net.DefaultResolver",
		`import "net"; func f() { net.Listen("tcp", "x") }`:                  "",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x; "+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(used(f, ways()), " "); got != want {
			t.Errorf("%s: found %q, want %q", text, got, want)
		}
	}
}
