/* ä 🦊🦊 */ rule a { condition: }
