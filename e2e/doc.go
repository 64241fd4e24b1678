// Package e2e proves a running hub against clients that others wrote: go2rtc's HomeKit client and npm's
// hap-controller. It is a module of its own, so that none of them becomes a dependency of Ingle.
//
// TestCheckNN… is one of the 25 things that must hold of the HomeKit server, seen from outside; TestCamera… is one of a camera's. Most of
// them meet hub/hap/benchbridge, which is the hub's HomeKit server with a made home and a door for tests;
// the others a hub with the demo home. hap-controller obeys peer.js by the line; what no client sends is
// sent through go2rtc's cipher. judge.js holds what is shown against HAP-NodeJS's definitions.
//
// TestTheWindow… and the others that open a window drive the app on a display of its own, by mouse and keyboard,
// and look at what it shows; the pictures are kept in bin/window. The app must say nothing meanwhile: in its
// log Fyne writes what an app does wrong.
//
// INGLE_HUB, INGLE_BENCHBRIDGE and INGLE_APP name the programs to test, INGLE_GO2RTC the one that films cameras;
// without them they are built. INGLE_SOAK=1 repeats what must always work as often as the checks say, which takes some minutes. The programs may
// be built with -race: a race that they report makes the test fail.
package e2e
