"""Membership by gossip: SWIM with Lifeguard as HashiCorp's memberlist speaks it. Pure: messages, time in and out."""
