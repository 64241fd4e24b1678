// Package setracker speaks the protocol of children's watches of the SeTracker family (3G, SG, CS
// and ZJ dialects). The watch calls the hub: all sessions share the door "watch".
package setracker
