//! The memory that messages take, and what a sender may have unread.

use sunpath_core::profile::Memory;

/// Lengths at which the cost of a message steps up, as `SIOCOUTQ` told on a live kernel.
#[test]
fn datagrams_and_packets_cost_what_the_kernel_charges() {
    let steps = [
        (0, 768),
        (192, 768),
        (193, 1280),
        (704, 1280),
        (705, 2304),
        (1728, 2304),
        (1729, 4352),
        (3777, 8448),
        (7873, 16_640),
        (16_064, 16_640),
        (16_065, 20_736),
        (20_161, 24_832),
        (81_601, 86_272),
        (85_696, 86_272),
        (85_697, 102_656),
        (102_081, 135_424),
        (134_849, 200_960),
    ];
    for (length, cost) in steps {
        assert_eq!(Memory::USUAL.packet(length), Some(cost), "{length} bytes");
    }
    assert!(Memory::USUAL.packet(4_263_616).is_some());
    assert_eq!(Memory::USUAL.packet(4_263_617), None);
}

#[test]
fn pieces_of_a_stream_cost_what_the_kernel_charges() {
    let steps = [
        (1, 768),
        (3776, 4352),
        (3777, 4864),
        (4289, 5376),
        (4801, 6400),
        (5825, 8448),
        (7873, 8960),
        (9921, 12_544),
        (16_065, 17_152),
        (32_449, 33_536),
        (34_497, 37_120),
        (36_544, 37_120),
    ];
    for (length, cost) in steps {
        assert_eq!(Memory::USUAL.stream(length), cost, "{length} bytes");
    }
    assert_eq!(Memory::USUAL.stream_piece(212_992), 36_544);
    assert_eq!(Memory::USUAL.stream_piece(4608), 2240);
}
