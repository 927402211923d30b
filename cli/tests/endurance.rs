//! Runs the endurance scenarios of the command at a small size for every build. `make endurance`
//! runs them at full size.

#![cfg(target_os = "linux")]

use signalr_endurance::{Scale, Scenario};

async fn survives(scenario: Scenario) {
    let survived = scenario.run(env!("CARGO_BIN_EXE_signalr"), Scale::SMALL).await;
    survived.unwrap_or_else(|failure| panic!("{}: {failure}", scenario.name()));
}

/// A test for each scenario.
macro_rules! scenarios {
    ($($test:ident: $scenario:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                survives(Scenario::$scenario).await;
            }
        )*

        #[test]
        fn each_scenario_has_a_test() {
            assert_eq!([$(Scenario::$scenario),*], Scenario::ALL);
        }
    };
}

scenarios! {
    parts_of_requests: Parts,
    half_handshakes: HalfHandshakes,
    stalled_websockets: StalledWebSockets,
    stalled_event_streams: StalledEvents,
    stalled_polls: StalledPolls,
    pieces_of_one_byte: Pieces,
    websockets_that_come_and_leave: VisitsOfWebSockets,
    event_streams_that_come_and_leave: VisitsOfEvents,
    polls_that_come_and_leave: VisitsOfPolls,
    a_clock_that_jumps: Clock,
    a_process_that_is_stopped: Stopped,
    a_log_that_nobody_reads: Output,
    reconnects_at_once: Reconnects,
}
